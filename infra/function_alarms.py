"""Alarms of functions: they crash, take too long, or are throttled. What workers see themselves they tell."""

from infra.alarms import Alarms, Condition, plain
from infra.measures import of_account, of_function

UNHEALTHY, CRASHED, THROTTLED = "worker.unhealthy", "system.crashed", "system.throttled"

_PART_OF_TIMEOUT = 0.8


def watch_worker(alarms: Alarms, task: str, timeout_s: int) -> None:
    """Tell when a task's worker is ill. A job that fails is no crash of its worker."""
    percent = alarms.limit_of(UNHEALTHY)
    errors = of_function(alarms.stage, task, "Errors", "Average")  # every call counts 0 or 1
    text = f"More than {plain(percent)} % of worker {task}'s calls crash or run out of time or memory; its log says why"
    alarms.add(UNHEALTHY, f"{task}:errors", Condition(errors, text, percent / 100))
    slow_ms = timeout_s * 1000 * _PART_OF_TIMEOUT
    text = (
        f"One in twenty calls of worker {task} takes longer than {plain(slow_ms / 1000)} s, {_PART_OF_TIMEOUT:.0%} of"
        " its timeout: raise the task's timeout, or find out what is slow"
    )
    took = of_function(alarms.stage, task, "Duration", "p95")
    alarms.add(UNHEALTHY, f"{task}:slow", Condition(took, text, slow_ms))


def watch_function(alarms: Alarms, name: str) -> None:
    """Tell when a function that is no worker crashes or is stopped at its timeout."""
    text = f"Function {name} crashed or ran out of time or memory; its log says why"
    alarms.add(CRASHED, name, Condition(of_function(alarms.stage, name, "Errors", "Sum"), text, 0))


def watch_concurrency(alarms: Alarms) -> None:
    """Tell when any function is throttled. All share the account's concurrency, so that one alarm stands for all."""
    throttles = of_account("Throttles", "Sum")
    text = "Lambda throttles calls: the account's concurrency is used up. Ask AWS for more, or lower tasks' concurrency"
    alarms.add(UNHEALTHY, "throttles", Condition(throttles, text, 0))
    alarms.add(THROTTLED, "lambda", Condition(throttles, text, 0))
