"""Traces: one piece of work, followed from the request through queue, worker and model call to the callback."""
