"""Task deliver-webhook."""
