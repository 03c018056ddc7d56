"""Coordinates runs of sagas."""
