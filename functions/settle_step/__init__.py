"""Settles steps of sagas."""
