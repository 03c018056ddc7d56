"""Task compensate-content."""
