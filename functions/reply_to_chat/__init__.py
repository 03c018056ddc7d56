"""Task reply-to-chat."""
