"""Deletes what is one tenant's."""
