"""Alarms of queues: too much waits, or nobody could do it."""

from aws_cdk import aws_sqs as sqs

from infra.alarms import Alarms, Condition, plain

DEPTH, DEAD = "worker.queue_depth", "worker.dead_letter"


def watch_queue(alarms: Alarms, name: str, queue: sqs.IQueue) -> None:
    """Tell when a queue stays deep."""
    deep = alarms.limit_of(DEPTH)
    waiting = queue.metric_approximate_number_of_messages_visible(statistic="Minimum")
    text = (
        f"More than {plain(deep)} messages wait in queue {name}: is its task paused, does it fail, or has it too little"
        " concurrency? See: backstay stats"
    )
    alarms.add(DEPTH, name, Condition(waiting, text, deep, periods=2))


def watch_dead_letters(alarms: Alarms, name: str, queue: sqs.IQueue) -> None:
    """Tell when a message lies in a dead letter queue."""
    lying = queue.metric_approximate_number_of_messages_visible(statistic="Maximum")
    text = f"Messages of {name} lie in the dead letter queue. See why: backstay dlq ls; again: backstay dlq redrive"
    alarms.add(DEAD, name, Condition(lying, text, 0))
