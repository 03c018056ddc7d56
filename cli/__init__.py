"""The `backstay` command."""
