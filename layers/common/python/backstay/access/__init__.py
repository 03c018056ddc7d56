"""Access: API keys, who may do what, and the secrets that sign webhooks."""
