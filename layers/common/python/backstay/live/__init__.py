"""Live updates: who has a socket open, and what they are told."""
