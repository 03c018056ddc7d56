"""Marketing campaigns: what their tasks share."""
