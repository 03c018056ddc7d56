"""What somebody would write without Backstay: Powertools' batch processor, boto3, the SDK. Nothing is safe here.

It makes the same two updates of an item and the same model call for each message, and no more: no lease that another
worker respects, no retry, no receipt, no check of the answer.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import anthropic
import boto3
from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    BatchProcessor,
    EventType,
    async_process_partial_response,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.config import Config

MODEL = "claude-haiku-5-5"
_AT_ONCE = 10
_TOOL: Any = {
    "name": "Opinion",
    "description": "The model's answer.",
    "input_schema": {
        "description": "The model's answer.",
        "properties": {"text": {"title": "Text", "type": "string"}},
        "required": ["text"],
        "title": "Opinion",
        "type": "object",
    },
}
_CLAIM = (
    "SET #state = :active, state_key = :state_key, state_at = :state_at, changed_at = :now, claimed_at = :now,"
    " lease_until = :lease, company = :company, started_at = if_not_exists(started_at, :now)"
    " REMOVE due_at, reason, progress, note ADD fence :one, attempts :one"
)
_FINISH = (
    "SET #state = :completed, state_key = :state_key, state_at = :state_at, changed_at = :now, finished_at = :now,"
    " #result = :result, receipt = :receipt, #ttl = :ttl REMOVE lease_until"
)


class BareWorker:
    """One process of it."""

    def __init__(self, table: str, model_url: str | None = None) -> None:
        self._table = table
        self.dynamodb = boto3.client("dynamodb", config=Config(max_pool_connections=_AT_ONCE))
        self._model = anthropic.Anthropic(api_key="bench", base_url=model_url, max_retries=0)
        self._processor = BatchProcessor(event_type=EventType.SQS)
        self._together = AsyncBatchProcessor(event_type=EventType.SQS)

    def handle(self, event: dict[str, Any], context: Any) -> Mapping[str, Any]:
        """Run an SQS event's messages one after another."""
        return process_partial_response(event, self._run, self._processor, context)

    def handle_together(self, event: dict[str, Any], context: Any) -> Mapping[str, Any]:
        """Run an SQS event's messages side by side, each in a thread."""

        async def run(record: SQSRecord) -> None:
            await asyncio.to_thread(self._run, record)

        return async_process_partial_response(event, run, self._together, context)

    def _run(self, record: SQSRecord) -> None:
        message = json.loads(record.body)
        job_id = message["job_id"]
        self._claim(job_id)
        answer = self._model.messages.create(
            model=MODEL,
            max_tokens=1024,
            messages=[{"role": "user", "content": message["input"]["text"]}],
            tools=[_TOOL],
            tool_choice={"type": "tool", "name": "Opinion"},
            timeout=60,
        )
        block = answer.content[0]
        assert block.type == "tool_use"
        self._finish(job_id, json.dumps(block.input), answer.usage)

    def _claim(self, job_id: str) -> None:
        now = _now_ms()
        self.dynamodb.update_item(
            TableName=self._table,
            Key={"id": {"S": job_id}, "part": {"S": "state"}},
            UpdateExpression=_CLAIM,
            ConditionExpression="#state = :waiting",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":active": {"S": "active"},
                ":waiting": {"S": "waiting"},
                ":state_key": {"S": "ask-model#active#2"},
                ":state_at": {"S": f"{now}~{job_id[-6:]}"},
                ":now": {"N": str(now)},
                ":lease": {"N": str(now + 106_000)},
                ":company": {"N": "10"},
                ":one": {"N": "1"},
            },
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _finish(self, job_id: str, result: str, usage: anthropic.types.Usage) -> None:
        now = _now_ms()
        self.dynamodb.update_item(
            TableName=self._table,
            Key={"id": {"S": job_id}, "part": {"S": "state"}},
            UpdateExpression=_FINISH,
            ConditionExpression="#state = :active",
            ExpressionAttributeNames={"#state": "state", "#result": "result", "#ttl": "ttl"},
            ExpressionAttributeValues={
                ":active": {"S": "active"},
                ":completed": {"S": "completed"},
                ":state_key": {"S": "ask-model#completed#2"},
                ":state_at": {"S": f"{now}~{job_id[-6:]}"},
                ":now": {"N": str(now)},
                ":result": {"S": result},
                ":receipt": {"S": json.dumps([MODEL, usage.input_tokens, usage.output_tokens])},
                ":ttl": {"N": str(now // 1000 + 604_800)},
            },
        )


def _now_ms() -> int:
    return round(time.time() * 1000)
