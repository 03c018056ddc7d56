"""The WebSocket API, and what is pushed over it."""
