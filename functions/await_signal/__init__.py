"""Notes what a run waits for."""
