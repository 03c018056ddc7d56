"""Alarms and events to people."""
