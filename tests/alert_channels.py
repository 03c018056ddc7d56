"""Channels of alerts as backstay.toml names them, for tests that need some."""

SLACK = """
[alerts.channels.slack]
kind = "slack"
secret = "alerts/slack"
"""
ONCALL = """
[alerts.channels.oncall]
kind = "pagerduty"
secret = "alerts/pagerduty"
"""
EMAIL = """
[alerts.channels.email]
kind = "email"
sender = "backstay@example.com"
to = ["ops@example.com"]
"""
EVERY = SLACK + ONCALL + EMAIL
