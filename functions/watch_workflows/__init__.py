"""Watches over runs of sagas."""
