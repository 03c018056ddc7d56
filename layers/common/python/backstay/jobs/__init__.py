"""Jobs: the record, the store, submitting, and the worker."""
