"""Puts dead letters back."""
