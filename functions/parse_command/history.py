"""What was said in a run before: its last ten commands, in the content table."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from backstay import aws
from backstay.clock import Clock, utc_now
from backstay.content import key_in_run
from backstay.dynamodb import decode_item, encode, encode_item
from backstay.errors import ErrorClass, WorkError
from backstay.passing_trouble import passing_trouble

from .models import Intent

MOST_KEPT = 10
KEPT = timedelta(days=30)
"""After the run's last command."""

_CHARACTERS_KEPT = 1_000
_MOST_ROUNDS = 20  # each is lost to another command of the same run


class Said(BaseModel):
    """One command, and what it was taken for."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    command: str
    """Its first 1,000 characters."""
    user: str | None
    intent: Intent
    confidence: float
    at: datetime


class History(BaseModel):
    """The commands of a run, the oldest first."""

    model_config = ConfigDict(frozen=True)

    count: int = 0
    """How many there have been, those no longer kept counted."""
    last: tuple[Said, ...] = ()

    def before(self, job_id: str) -> "History":
        """Without a job's own command, which an earlier attempt of it may have kept."""
        others = tuple(said for said in self.last if said.job_id != job_id)
        return History(count=self.count - (len(self.last) - len(others)), last=others)

    def with_one_more(self, said: Said) -> "History":
        """With a command at its end; the same history where that stands there already."""
        if any(other.job_id == said.job_id for other in self.last):
            return self
        cut = said.model_copy(update={"command": said.command[:_CHARACTERS_KEPT]})
        return History(count=self.count + 1, last=(*self.last, cut)[-MOST_KEPT:])


class HistoryTable:
    """Histories in DynamoDB.

    Its methods raise `WorkError` of class `unreachable` when DynamoDB does not answer or limits us.
    """

    def __init__(self, table: str, clock: Clock = utc_now) -> None:
        self._table, self._clock = table, clock

    def read(self, tenant: str, run_id: str) -> History:
        """What was said in a run; nothing of one that nobody has heard of."""
        item = self._get(tenant, run_id)
        return History.model_validate_json(item["history"]) if item else History()

    def add(self, tenant: str, run_id: str, said: Said) -> History:
        """Keep a command, once however often it comes; answers the history with it."""
        for _ in range(_MOST_ROUNDS):
            item = self._get(tenant, run_id) or {"version": 0}
            history = History.model_validate_json(item["history"]) if "history" in item else History()
            after = history.with_one_more(said)
            if after is history or self._replace(tenant, run_id, after, item["version"]):
                return after
        raise WorkError(ErrorClass.UNREACHABLE, f"run {run_id} gets too many commands at once", retry_after_s=1)

    def _get(self, tenant: str, run_id: str) -> Mapping[str, Any] | None:
        with passing_trouble("the content table"):
            answer = aws.dynamodb().get_item(
                TableName=self._table, Key=encode_item(key_in_run(tenant, run_id, "commands")), ConsistentRead=True
            )
        return decode_item(answer["Item"]) if "Item" in answer else None

    def _replace(self, tenant: str, run_id: str, history: History, version: int) -> bool:
        client = aws.dynamodb()
        item = {
            **key_in_run(tenant, run_id, "commands"),
            "history": history.model_dump_json(),
            "version": version + 1,
            "ttl": int((self._clock() + KEPT).timestamp()),
        }
        try:
            with passing_trouble("the content table"):
                client.put_item(
                    TableName=self._table,
                    Item=encode_item(item),
                    ConditionExpression="attribute_not_exists(id) OR version = :seen",
                    ExpressionAttributeValues={":seen": encode(version)},
                )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True
