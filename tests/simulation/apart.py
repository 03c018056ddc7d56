"""Gives each simulated process its own of whatever a module of ours keeps for its process.

Must be imported before anything else of Backstay's, since names are bound then.
"""

import functools
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.simulation.clockwork import Datetime, Process, current_process

T = TypeVar("T")
TASKS = Path(__file__).parent / "tasks"
WORLD = Process("world")


def memory_of_process(key: object, make: Callable[[], T]) -> T:
    """What a process keeps under a key, made on first use."""
    memory = (current_process() or WORLD).memory
    if key not in memory:
        memory[key] = make()
    found: T = memory[key]
    return found


class OfProcess:
    """An object that each process has for itself, where a module has one for all of a process."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.__dict__["_make"] = make

    def __getattr__(self, name: str) -> Any:
        return getattr(memory_of_process(self, self._make), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(memory_of_process(self, self._make), name, value)


def _kept_by_process(function: Callable[..., T]) -> Callable[[], T]:
    """In the place of `functools.cache`."""
    made = functools.partial(function.__wrapped__)  # type: ignore[attr-defined]
    return lambda: memory_of_process(function, made)


def _apart() -> None:
    import backstay.clock
    from backstay.budgets import batch
    from backstay.llm import activity, call_metrics

    backstay.clock.datetime = Datetime
    batch.batch = OfProcess(batch.Batch)  # type: ignore[assignment]
    activity.activity = OfProcess(activity.Activity)  # type: ignore[assignment]
    call_metrics.call_metrics = OfProcess(type(call_metrics.call_metrics))  # type: ignore[assignment]
    from backstay.llm import process

    for name in ("_switchboard", "_answer_cache", "_guards"):
        setattr(process, name, _kept_by_process(getattr(process, name)))


os.environ.update(
    {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "POWERTOOLS_SERVICE_NAME": "simulation",
        "BACKSTAY_STAGE": "test",
    }
)
sys.path.insert(0, str(TASKS))
_apart()
logging.disable(logging.CRITICAL)
