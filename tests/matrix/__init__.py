"""What a saga survives: every step of one, and everything that may go wrong with it."""
