"""Chats: bots and what they know, conversations and their turns, and how many messages a session may send."""
