"""Alarms of queues: too much waits, it waits for too long, or nobody could do it."""

from aws_cdk import aws_sqs as sqs

from infra.alarms import ABOVE, Alarms, Condition, plain

DEPTH, AGE, DEAD = "worker.queue_depth", "worker.queue_age", "worker.dead_letter"


def watch_queue(alarms: Alarms, name: str, queue: sqs.IQueue) -> None:
    """Tell when a queue stays deep, or when its oldest message is old."""
    deep, old_s = alarms.limit_of(DEPTH), alarms.limit_of(AGE)
    alarms.add(
        DEPTH,
        name,
        Condition(
            queue.metric_approximate_number_of_messages_visible(statistic="Minimum"),
            f"More than {plain(deep)} messages wait in queue {name}: is its task paused, does it fail, or has it too"
            " little concurrency? See: backstay stats",
            deep,
            periods=2,
        ),
    )
    alarms.add(
        AGE,
        name,
        Condition(
            queue.metric_approximate_age_of_oldest_message(statistic="Maximum"),
            f"The oldest message of queue {name} has waited for more than {plain(old_s / 60)} minutes. See:"
            " backstay stats",
            old_s,
            ABOVE,
            minutes=5,
        ),
    )


def watch_dead_letters(alarms: Alarms, name: str, queue: sqs.IQueue) -> None:
    """Tell when a message lies in a dead letter queue."""
    lying = queue.metric_approximate_number_of_messages_visible(statistic="Maximum")
    text = f"Messages of {name} lie in the dead letter queue. See why: backstay dlq ls; again: backstay dlq redrive"
    alarms.add(DEAD, name, Condition(lying, text, 0))
