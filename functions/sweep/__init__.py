"""Sweeps every few minutes."""
