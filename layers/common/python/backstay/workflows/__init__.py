"""Sagas: what runs are started with, how steps' inputs follow from it, and what runs share."""
