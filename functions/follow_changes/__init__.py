"""Follows the jobs table's stream."""
