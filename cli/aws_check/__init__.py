"""`make aws-check`: what only AWS can show of a deployed stage. See docs/aws-check.md."""
