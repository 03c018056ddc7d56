"""`python -m cli` is `backstay`."""

from cli.main import app

app()
