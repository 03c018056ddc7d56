"""Task wake-parked-jobs."""
