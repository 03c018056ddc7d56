"""Task parse-command."""
