"""Follows the guards table's stream."""
