"""Looks after providers' credit."""
