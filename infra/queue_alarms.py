"""Alarms of queues: too much waits, or nobody could do it."""

from infra.alarms import Alarms, Condition, plain
from infra.measures import dead_queue_of, of_queue

DEPTH, DEAD = "worker.queue_depth", "worker.dead_letter"
WAITING = "ApproximateNumberOfMessagesVisible"


def watch_queue(alarms: Alarms, name: str) -> None:
    """Tell when a queue stays deep."""
    deep = alarms.limit_of(DEPTH)
    waiting = of_queue(alarms.stage, name, WAITING, "Minimum")
    text = (
        f"More than {plain(deep)} messages wait in queue {name}: is its task paused, does it fail, or has it too little"
        " concurrency? See: backstay stats"
    )
    alarms.add(DEPTH, name, Condition(waiting, text, deep, periods=2))


def watch_dead_letters(alarms: Alarms, name: str) -> None:
    """Tell when a message lies in the dead letter queue of a task or function."""
    lying = of_queue(alarms.stage, dead_queue_of(name), WAITING, "Maximum")
    text = f"Messages of {name} lie in the dead letter queue. See why: backstay dlq ls; again: backstay dlq redrive"
    alarms.add(DEAD, name, Condition(lying, text, 0))
