"""The cache table: answers for ten minutes, and who is asking what right now."""

import dataclasses
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.dynamodb import decode_item, encode, encode_item
from backstay.llm.cache_key import key_of_all
from backstay.llm.recent_answers import CachedAnswer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

KEPT_S = 600.0
LARGEST_BYTES = 300_000
"""An item ends at 400 kB; an answer that large is not worth its write either."""
_FIELDS = tuple(field.name for field in dataclasses.fields(CachedAnswer))


@dataclass(frozen=True, slots=True)
class Held:
    """The right to ask a question, until it lapses."""

    key: str
    owner: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one read told of a question."""

    key: str = ""
    """Of the answer."""
    answer: CachedAnswer | None = None
    asked_elsewhere: bool = False


class AnswerTable:
    """Answers and leases in DynamoDB. Items past their time count as gone, whenever DynamoDB removes them."""

    def __init__(self, table: str, clock: Callable[[], float] = time.time) -> None:
        self._table, self._clock = table, clock

    def find(self, keys: Sequence[str], question: str) -> Found:
        """The answer under the first of the keys that has one, and whether somebody is asking. One read."""
        wanted = [*dict.fromkeys(keys), _lease_key(question)]
        answer = aws.dynamodb().batch_get_item(
            RequestItems={self._table: {"Keys": [{"key": encode(key)} for key in wanted]}}
        )
        now = self._clock()
        items = {item["key"]: item for item in map(decode_item, answer["Responses"].get(self._table, ()))}
        alive = {key: item for key, item in items.items() if item["until"] > now}
        for key in keys:
            if key in alive:
                return Found(key, _answer(alive[key]))
        return Found(asked_elsewhere=_lease_key(question) in alive)

    def keep(self, key: str, answer: CachedAnswer) -> bool:
        """Keep an answer. False where it is too large to be kept."""
        if len(answer.text.encode()) > LARGEST_BYTES:
            return False
        item = {"key": key, **dataclasses.asdict(answer), **self._until(KEPT_S)}
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))
        return True

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the answer to a question, and that it was asked. Processes that have given the answer lately may do so
        for a few minutes more.

        Args:
            keys: all of the question's, one for each route.
        """
        for key in (*keys, _lease_key(key_of_all(keys))):
            aws.dynamodb().delete_item(TableName=self._table, Key={"key": encode(key)})

    def hold(self, question: str, seconds: float) -> Held | None:
        """Take the right to ask a question, unless somebody has it."""
        client, held = aws.dynamodb(), Held(_lease_key(question), uuid.uuid4().hex)
        try:
            client.put_item(
                TableName=self._table,
                Item=encode_item({"key": held.key, "owner": held.owner, **self._until(seconds)}),
                ConditionExpression="attribute_not_exists(#key) OR #until < :now",
                ExpressionAttributeNames={"#key": "key", "#until": "until"},
                ExpressionAttributeValues={":now": self._number(self._clock())},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return None
        return held

    def release(self, held: Held) -> None:
        """Give the right back, where it has not passed to somebody else."""
        client = aws.dynamodb()
        try:
            client.delete_item(
                TableName=self._table,
                Key={"key": encode(held.key)},
                ConditionExpression="#owner = :owner",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": encode(held.owner)},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return  # it had lapsed, and somebody else asks now

    def _until(self, seconds: float) -> dict[str, object]:
        until = self._clock() + seconds
        return {"until": round(until, 3), "ttl": int(until) + 1}

    @staticmethod
    def _number(value: float) -> "UniversalAttributeValueTypeDef":
        return encode(round(value, 3))


def _answer(item: Mapping[str, Any]) -> CachedAnswer:
    answer = CachedAnswer(**{name: item[name] for name in _FIELDS if name in item})
    return answer if answer.cost_usd is None else dataclasses.replace(answer, cost_usd=Decimal(answer.cost_usd))


def _lease_key(question: str) -> str:
    return f"asking#{question}"
