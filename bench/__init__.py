"""Measures what the design promises. `python -m bench` runs it, bench/README.md tells what the figures mean."""
