"""What people must hear of: alerts, from what happened to who was told."""
