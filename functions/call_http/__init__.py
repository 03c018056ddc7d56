"""Task call-http."""
