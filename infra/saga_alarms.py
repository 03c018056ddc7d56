"""Alarms of sagas: too many of their runs fail."""

from infra.alarms import Alarms, Condition, plain
from infra.measures import ours

FAILURES = "workflow.failure_rate"


def watch_saga(alarms: Alarms, saga: str) -> None:
    """Tell when more of a saga's runs fail than should. Each run that ends counts 0 or 100; one called off, neither."""
    limit = alarms.limit_of(FAILURES)
    text = (
        f"More than {plain(limit)} % of the runs of saga {saga} that ended of late have failed. See which, and why:"
        f" backstay saga runs --saga {saga} --state failed"
    )
    alarms.add(FAILURES, saga, Condition(ours("RunFailed", "Average", Saga=saga), text, limit))
