"""The bare worker as a Lambda on an embedded cloud, beside a task's: its queue, table, layers and limits are alike."""

import io
import json
import textwrap
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.embedded import client_of
from cli.local.state import LocalCloud

NAME = "bench-bare-worker"
_CODE = Path(__file__).with_name("bare_worker.py")
_HANDLER = textwrap.dedent("""
    import os
    from bare_worker import BareWorker

    handler = BareWorker(os.environ["BARE_TABLE"], os.environ["BARE_MODEL_URL"]).handle_together
""")
_ROLE = "arn:aws:iam::000000000000:role/bench"
LOOK_EVERY_S = 1.0
"""Seldom, so that looking takes nothing from what is looked at."""


@dataclass(frozen=True, slots=True)
class Span:
    """From the first claim to the last finish of some jobs, in milliseconds since 1970."""

    began_ms: int
    ended_ms: int

    @property
    def seconds(self) -> float:
        """How long all of them took."""
        return (self.ended_ms - self.began_ms) / 1000


class NotFinishedError(Exception):
    """Jobs were lost, so that nothing was measured."""


class BareFunction:
    """One queue with one function behind it, switched off."""

    def __init__(self, cloud: LocalCloud, like: str, model_url: str) -> None:
        """`like` is the task whose function's layers, memory, batch and concurrency it has too."""
        self._sqs, self._dynamodb, self._lambda = (client_of(cloud, name) for name in ("sqs", "dynamodb", "lambda"))
        self._dynamodb.create_table(
            TableName=NAME, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "part")],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "part", "KeyType": "RANGE"}],
        )  # fmt: skip
        timeout = {"VisibilityTimeout": "120"}
        self._queue_url = self._sqs.create_queue(QueueName=NAME, Attributes=timeout)["QueueUrl"]
        twin = f"backstay-{cloud.stage}-{like}"
        self._create_function(self._lambda.get_function_configuration(FunctionName=twin), model_url)
        self._mapping = self._create_mapping(twin)

    def _create_function(self, twin: dict[str, Any], model_url: str) -> None:
        self._lambda.create_function(
            FunctionName=NAME, Runtime=twin["Runtime"], Role=_ROLE, Handler="handle.handler",
            Code={"ZipFile": _zipped()}, MemorySize=twin["MemorySize"], Timeout=twin["Timeout"],
            Layers=[layer["Arn"] for layer in twin["Layers"]],
            Environment={"Variables": {"BARE_TABLE": NAME, "BARE_MODEL_URL": f"{model_url}/anthropic"}},
        )  # fmt: skip

    def _create_mapping(self, twin: str) -> str:
        queue = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])
        listed = self._lambda.list_event_source_mappings(FunctionName=twin)["EventSourceMappings"]
        alike = ("BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig", "FunctionResponseTypes")
        mapping = self._lambda.create_event_source_mapping(
            EventSourceArn=queue["Attributes"]["QueueArn"], FunctionName=NAME, Enabled=False,
            **{key: listed[0][key] for key in alike},
        )  # fmt: skip
        return str(mapping["UUID"])

    def run(self, works: Sequence[dict[str, Any]], within_s: float) -> Span:
        """Put jobs into table and queue, switch the function on, and wait for all.

        Raises:
            NotFinishedError: some are not finished in time.
        """
        began = time.time_ns()
        ids = [f"{began}-{number}" for number in range(len(works))]
        for job_id, work in zip(ids, works, strict=True):
            item = {"id": {"S": job_id}, "part": {"S": "state"}, "state": {"S": "waiting"}}
            self._dynamodb.put_item(TableName=NAME, Item=item)
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps({"job_id": job_id, "input": work}))
        self._lambda.update_event_source_mapping(UUID=self._mapping, Enabled=True)
        try:
            return self._span(ids, within_s)
        finally:
            self._lambda.update_event_source_mapping(UUID=self._mapping, Enabled=False)

    def _span(self, ids: Sequence[str], within_s: float) -> Span:
        deadline, waiting = time.monotonic() + within_s, list(ids)
        while waiting:
            if "finished_at" in self._item(waiting[-1]):
                waiting.pop()
            elif time.monotonic() > deadline:
                raise NotFinishedError(f"{len(waiting)} of {len(ids)} messages are not done within {within_s} s")
            else:
                time.sleep(LOOK_EVERY_S)
        items = [self._item(job_id) for job_id in ids]
        return Span(
            min(int(item["claimed_at"]["N"]) for item in items), max(int(item["finished_at"]["N"]) for item in items)
        )

    def _item(self, job_id: str) -> dict[str, Any]:
        key = {"id": {"S": job_id}, "part": {"S": "state"}}
        item: dict[str, Any] = self._dynamodb.get_item(TableName=NAME, Key=key)["Item"]
        return item


def _zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handle.py", _HANDLER)
        archive.write(_CODE, _CODE.name)
    return packed.getvalue()
