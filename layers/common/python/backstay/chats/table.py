"""The chats table. Keys start with the tenant; a session's turns stand together, in the order of their messages."""

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.chats.bot import Bot
from backstay.chats.turn import Turn
from backstay.chats.window import WINDOW_MS, Admitted, Full, Window, admit
from backstay.clock import epoch_ms, from_iso, iso
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import ErrorClass, WorkError
from backstay.passing_trouble import passing_trouble

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

SHARDS = 8
"""Partitions of a tenant: one alone would take about 1,000 kB of writes a second."""

KEEP = timedelta(days=90)
"""By default; `[chats]` in backstay.toml may say otherwise."""

_DELETED_AT_ONCE = 25  # the most that DynamoDB takes in one batch
_MOST_ROUNDS = 20  # each is lost to another message of the same session


class ChatTable:
    """Bots and conversations.

    Its methods raise `WorkError` of class `unreachable` when DynamoDB does not answer or limits us.

    Args:
        table: its name.
        keep: how long a turn is kept.
    """

    def __init__(self, table: str, keep: timedelta = KEEP) -> None:
        self._table, self._keep = table, keep

    def put_bot(self, tenant: str, user_id: str, bot: Bot) -> None:
        """Set a user's bot, in the place of what it was."""
        self._put(_key(tenant, user_id, f"bot#{user_id}"), {"body": bot.model_dump(mode="json")})

    def bot(self, tenant: str, user_id: str) -> Bot | None:
        """A user's bot, or None where none was set."""
        item = self._get(_key(tenant, user_id, f"bot#{user_id}"))
        return Bot.model_validate(item["body"]) if item else None

    def admit(self, tenant: str, session_id: str, message_id: str, now: datetime) -> Full | None:
        """Let a message of a session in, once however often it comes; answers how long to wait if there is no room."""
        key = _key(tenant, session_id, f"window#{session_id}")
        for _ in range(_MOST_ROUNDS):
            item = self._get(key) or {}
            window = tuple(Admitted(at_ms, message) for at_ms, message in item.get("admitted", ()))
            after = admit(window, message_id, epoch_ms(now))
            if isinstance(after, Full):
                return after
            if after is window or self._replace_window(key, after, item.get("version", 0)):
                return None
        raise WorkError(ErrorClass.UNREACHABLE, f"session {session_id} gets too many messages at once", retry_after_s=1)

    def begin(self, tenant: str, turn: Turn) -> bool:
        """Keep a turn that isn't there yet; answers whether it was kept."""
        return self._put(
            _turn_key(tenant, turn.session_id, turn.at, turn.message_id),
            {"body": turn.to_body(), "ttl": self._ttl(turn)},
            condition="attribute_not_exists(id)",
        )

    def answer(self, tenant: str, turn: Turn) -> None:
        """Keep a turn with its answer."""
        key = _turn_key(tenant, turn.session_id, turn.at, turn.message_id)
        self._put(key, {"body": turn.to_body(), "ttl": self._ttl(turn)})

    def turn(self, tenant: str, session_id: str, at: datetime, message_id: str) -> Turn | None:
        """One turn, or None."""
        item = self._get(_turn_key(tenant, session_id, at, message_id))
        return _turn_of(item) if item else None

    def turns_before(self, tenant: str, session_id: str, before: str | None, most: int) -> list[Turn]:
        """The last turns of a session, oldest first.

        Args:
            tenant: whose it is.
            session_id: the session.
            before: only turns before this one, as `position_of` names it; None for the very last.
            most: how many.
        """
        prefix = _turns_of(session_id)
        with self._trouble():
            answer = aws.dynamodb().query(
                TableName=self._table,
                KeyConditionExpression="id = :id AND part BETWEEN :first AND :last",
                ExpressionAttributeValues=encode_item(
                    {":id": _partition(tenant, session_id), ":first": prefix, ":last": prefix + (before or "~")}
                ),
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=most + 1,
            )
        found = [item for item in map(decode_item, answer["Items"]) if item["part"] != prefix + (before or "")]
        return [_turn_of(item) for item in reversed(found[:most])]

    def delete_some(self, tenant: str, most: int = 500) -> int:
        """Delete up to so many of a tenant's items; answers how many. None are left when it answers 0."""
        deleted = 0
        for shard in range(SHARDS):
            while deleted < most and (keys := self._keys(f"{tenant}#{shard}", min(_DELETED_AT_ONCE, most - deleted))):
                self._delete(keys)
                deleted += len(keys)
        return deleted

    def _keys(self, partition: str, most: int) -> list[Mapping[str, Any]]:
        with self._trouble():
            answer = aws.dynamodb().query(
                TableName=self._table,
                KeyConditionExpression="id = :id",
                ExpressionAttributeValues={":id": {"S": partition}},
                ProjectionExpression="id, part",
                Limit=most,
                ConsistentRead=True,
            )
        return list(answer["Items"])

    def _delete(self, keys: list[Mapping[str, Any]]) -> None:
        left: Mapping[str, list[WriteRequestTypeDef]] = {self._table: [{"DeleteRequest": {"Key": key}} for key in keys]}
        while left:
            with self._trouble():
                left = aws.dynamodb().batch_write_item(RequestItems=left).get("UnprocessedItems", {})  # type: ignore[assignment]

    def _replace_window(self, key: Mapping[str, str], window: Window, version: int) -> bool:
        latest_ms = window[-1].at_ms
        return self._put(
            key,
            {
                "admitted": [[admitted.at_ms, admitted.message_id] for admitted in window],
                "version": version + 1,
                "ttl": (latest_ms + WINDOW_MS) // 1000 + 1,
            },
            condition="attribute_not_exists(id) OR version = :version",
            values={":version": version},
        )

    def _put(
        self,
        key: Mapping[str, str],
        content: Mapping[str, Any],
        *,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> bool:
        dynamodb = aws.dynamodb()
        request: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        if values:
            request["ExpressionAttributeValues"] = encode_item(values)
        try:
            with self._trouble():
                dynamodb.put_item(TableName=self._table, Item=encode_item({**key, **content}), **request)
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _get(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        with self._trouble():
            answer = aws.dynamodb().get_item(TableName=self._table, Key=encode_item(key), ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def _ttl(self, turn: Turn) -> int:
        return epoch_ms(turn.at + self._keep) // 1000

    def _trouble(self) -> AbstractContextManager[None]:
        return passing_trouble("the chats table")


def position_of(turn: Turn) -> str:
    """Where a turn stands in its session: sorts as turns do."""
    return f"{iso(turn.at)}#{turn.message_id}"


def _turn_of(item: Mapping[str, Any]) -> Turn:
    _, session_id, at, message_id = item["part"].split("#")
    return Turn.from_body(session_id, message_id, from_iso(at), item["body"])


def _turn_key(tenant: str, session_id: str, at: datetime, message_id: str) -> dict[str, str]:
    return _key(tenant, session_id, f"{_turns_of(session_id)}{iso(at)}#{message_id}")


def _turns_of(session_id: str) -> str:
    return f"turn#{session_id}#"


def _key(tenant: str, name: str, part: str) -> dict[str, str]:
    return {"id": _partition(tenant, name), "part": part}


def _partition(tenant: str, name: str) -> str:
    """What belongs to one session or one user stands in one partition."""
    return f"{tenant}#{int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % SHARDS}"
