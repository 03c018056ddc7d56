"""Task generate-content."""
