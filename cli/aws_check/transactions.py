"""Counters under contention: transactions that conflict, and tokens that are sent twice."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from cli.aws_check.finding import Finding, verdict_of
from cli.aws_check.ground import Ground
from cli.problems import Problem

NAME = "transactions"
_WRITERS, _EACH = 16, 4
_TRIES = 12
_PASSING = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


def findings(ground: Ground) -> Iterator[Finding]:
    """Many writers add to one counter at once, each transaction twice under its token; then count."""
    counter = _Counter(ground)
    with ThreadPoolExecutor(_WRITERS) as threads:
        conflicts = sum(threads.map(counter.add, [f"{ground.run}-{number}" for number in range(_WRITERS * _EACH)]))
    total, expected = counter.take(), _WRITERS * _EACH
    says = "transactions that conflict or are repeated are counted exactly once"
    yield Finding(NAME, says, verdict_of(total == expected), f"{total} of {expected}, {conflicts} conflicts on the way")


class _Counter:
    """An item of the jobs table that only this run knows."""

    def __init__(self, ground: Ground) -> None:
        self._dynamodb = ground.client("dynamodb")
        self._table = ground.target.outputs["JobsTable"]
        self._key = {"id": {"S": f"aws-check#{ground.run}"}, "part": {"S": "total"}}

    def add(self, token: str) -> int:
        """Add one, twice under the same token; answers how many conflicts it met."""
        return sum(self._add_once(token) for _ in range(2))

    def take(self) -> int:
        """The total; the item is gone afterwards."""
        answer = self._dynamodb.delete_item(TableName=self._table, Key=self._key, ReturnValues="ALL_OLD")
        return int(answer["Attributes"]["total"]["N"])

    def _add_once(self, token: str) -> int:
        update: dict[str, Any] = {
            "TableName": self._table,
            "Key": self._key,
            "UpdateExpression": "ADD #total :one SET #ttl = :tomorrow",
            "ExpressionAttributeNames": {"#total": "total", "#ttl": "ttl"},
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":tomorrow": {"N": self._tomorrow}},
        }
        for conflicts in range(_TRIES):
            try:
                self._dynamodb.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=token)
            except ClientError as error:
                if not _is_passing(error):
                    raise
                time.sleep(random.random() * 0.1 * 2 ** min(conflicts, 5))  # noqa: S311 - jitter
            else:
                return conflicts
        raise Problem(f"a transaction met {_TRIES} conflicts in a row", "run it again, when the stage is quiet")

    @property
    def _tomorrow(self) -> str:
        """The same in every attempt of a run, or the token would be refused: its transaction must be the same."""
        return str(int(time.time()) // 86_400 * 86_400 + 2 * 86_400)


def _is_passing(error: ClientError) -> bool:
    response: dict[str, Any] = dict(error.response)
    reasons = [reason.get("Code") for reason in response.get("CancellationReasons", [])]
    return response["Error"]["Code"] == "TransactionInProgressException" or any(
        reason in _PASSING for reason in reasons
    )
