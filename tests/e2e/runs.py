"""What e2e tests do with runs of sagas."""

import json
from typing import Any

from .stack import Json, Stack

ENDS = {"completed", "compensated", "compensation_failed", "failed", "aborted"}


def start(stack: Stack, saga: str, work: Json | None = None, **options: Any) -> str:
    """Start a run; answers its id."""
    given = {} if work is None else {"input": work}
    run_id: str = stack.post(f"/api/sagas/{saga}/runs", {**given, **options})["id"]
    return run_id


def read(stack: Stack, run_id: str) -> Json:
    """A run as it stands."""
    return stack.get(f"/api/runs/{run_id}")


def until(stack: Stack, run_id: str, *states: str, seconds: float = 60) -> Json:
    """The run once it is in one of these states, or over where none is named."""

    def look() -> Json | None:
        run = read(stack, run_id)
        if run["state"] in (states or ENDS):
            return run
        assert run["state"] not in ENDS, f"expected {states}, but: {json.dumps(run, indent=2)}"
        return None

    return stack.until(look, seconds)
