"""The demo: every sample event through the real entry points, and a table of what came of each."""
