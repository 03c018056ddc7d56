"""How a function follows a table's stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.function import Function, Surroundings
from infra.measures import dead_queue_of
from infra.permissions import acknowledge
from infra.queue_alarms import watch_dead_letters
from infra.task_queue import encrypted_queue

_RETRIES = 10
_WINDOW = Duration.minutes(15)
"""The longest that there is: the end of each costs one more invocation."""


@dataclass(frozen=True, slots=True)
class StreamProps:
    """What is followed, and how."""

    name: str
    """The function's."""
    table: dynamodb.ITable
    keys: Mapping[str, Any]
    """Which items' changes come: a pattern of their keys."""
    batch: int
    gather_s: int
    halves_on_error: bool
    """Whether a batch that fails is tried again in halves."""
    names_shards: bool = False
    """Whether events say which shard they are of. They do inside Lambda's time windows, whose state stays empty."""


def follow_stream(scope: Construct, function: Function, around: Surroundings, props: StreamProps) -> None:
    """Let a function follow a stream. A record that it can't digest is set aside, and somebody is told."""
    dead = encrypted_queue(scope, "Dead", dead_queue_of(props.name), around.stage, around.encryption)
    acknowledge(dead, "SQS3", "is itself where failures go")
    watch_dead_letters(around.alarms, props.name)
    function.lambda_function.add_event_source(
        sources.DynamoEventSource(
            props.table,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=props.batch,
            max_batching_window=Duration.seconds(props.gather_s),
            bisect_batch_on_error=props.halves_on_error,
            retry_attempts=_RETRIES,
            tumbling_window=_WINDOW if props.names_shards else None,
            on_failure=sources.SqsDlq(dead),
            filters=[lambda_.FilterCriteria.filter({"dynamodb": {"Keys": props.keys}})],
        )
    )
    acknowledge(function.role, "IAM5[Resource::*]", "dynamodb:ListStreams takes no resource; it only lists")
    for action in ("kms:GenerateDataKey*", "kms:ReEncrypt*"):
        acknowledge(function.role, f"IAM5[Action::{action}]", "CDK's grant for the queue of failures, on one key")
