"""What was spent: added up by day from the receipts of jobs, and looked at from every side."""
