"""What providers did today: calls, failures, tokens, cost. Counted in the process, added to shared items now and then.

For people who look at providers, not for accounts: those are the jobs' receipts. What a process that dies had not added
yet, at most the last second of a burst, is missing here.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from backstay import aws
from backstay.clock import epoch_ms
from backstay.dynamodb import decode_item, encode_item
from backstay.receipt import Call

ADD_EVERY_S = 1.0
"""How long a busy process gathers before it adds what it counted; the end of a burst waits for the next batch."""

_KEPT = timedelta(days=8)
_SHARDS = 4  # one item takes about 1,000 writes a second


@dataclass(frozen=True, slots=True)
class Tally:
    """What calls came to."""

    calls: int = 0
    """Answered ones."""
    failures: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    """Of answered ones, summed up."""
    cost_usd: Decimal = Decimal(0)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(mine + theirs for mine, theirs in zip(self._values(), other._values(), strict=True)))

    @property
    def success_rate(self) -> float | None:
        """0 to 1; None where nothing was asked."""
        asked = self.calls + self.failures
        return self.calls / asked if asked else None

    @property
    def average_latency_ms(self) -> float | None:
        """Of answered calls; None where there were none."""
        return self.latency_ms / self.calls if self.calls else None

    def to_item(self) -> dict[str, Any]:
        """By attribute, without zeros."""
        return {name: value for name, value in zip(self.__slots__, self._values(), strict=True) if value}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Tally":
        """What `to_item` made, added up or not."""
        return cls(**{name: item[name] for name in cls.__slots__ if name in item})

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


class Activity:
    """One process's count, and the shared one.

    Args:
        elapsed: seconds that only ever grow.
    """

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._counted: dict[str, Tally] = {}
        self._added_at = float("-inf")
        self._lock = threading.Lock()

    def note_answer(self, call: Call) -> None:
        """A provider answered."""
        self._note(
            call.provider,
            Tally(
                calls=1,
                input_tokens=call.input_tokens,
                output_tokens=call.output_tokens,
                latency_ms=call.latency_ms,
                cost_usd=call.cost_usd or Decimal(0),
            ),
        )

    def note_failure(self, provider: str) -> None:
        """A provider was asked, and gave no answer."""
        self._note(provider, Tally(failures=1))

    def add_if_due(self, table: str, now: datetime) -> None:
        """Add what was counted to the shared items in the guards table, unless that was done a moment ago.

        Raises:
            botocore.exceptions.ClientError: the table did not take it; it is counted still.
        """
        if self._elapsed() - self._added_at >= ADD_EVERY_S:
            self.add(table, now)

    def add(self, table: str, now: datetime) -> None:
        """Add what was counted now: one write a provider. Raises as `add_if_due` does."""
        with self._lock:
            counted, self._counted = self._counted, {}
            self._added_at = self._elapsed()
        while counted:
            provider, tally = counted.popitem()
            try:
                _add(table, provider, tally, now)
            except BaseException:
                for left, missed in ((provider, tally), *counted.items()):
                    self._note(left, missed)
                raise

    def _note(self, provider: str, tally: Tally) -> None:
        with self._lock:
            self._counted[provider] = self._counted.get(provider, Tally()) + tally


activity = Activity()
"""This process's."""


def read_today(table: str, providers: Iterable[str], now: datetime) -> dict[str, Tally]:
    """What each provider did since midnight, UTC, in one or two reads."""
    keys = {_id(provider, now, shard): provider for provider in providers for shard in range(_SHARDS)}
    found = dict.fromkeys(keys.values(), Tally())
    wanted = [encode_item({"id": an_id}) for an_id in keys]
    while wanted:
        asked, wanted = wanted[:100], wanted[100:]
        answer = aws.dynamodb().batch_get_item(RequestItems={table: {"Keys": asked}})
        for item in map(decode_item, answer["Responses"].get(table, ())):
            found[keys[item["id"]]] += Tally.from_item(item)
        unprocessed: Mapping[str, Any] = answer.get("UnprocessedKeys", {})
        wanted += unprocessed.get(table, {}).get("Keys", [])
    return found


def _add(table: str, provider: str, tally: Tally, now: datetime) -> None:
    counts = tally.to_item()
    aws.dynamodb().update_item(
        TableName=table,
        Key=encode_item({"id": _id(provider, now, random.randrange(_SHARDS))}),  # noqa: S311 - a shard
        UpdateExpression="ADD " + ", ".join(f"{name} :{name}" for name in counts) + " SET #ttl = :ttl",
        ExpressionAttributeNames={"#ttl": "ttl"},
        ExpressionAttributeValues=encode_item(
            {**{f":{name}": value for name, value in counts.items()}, ":ttl": epoch_ms(now + _KEPT) // 1000}
        ),
    )


def _id(provider: str, now: datetime, shard: int) -> str:
    return f"activity#{provider}#{now.astimezone(UTC):%Y-%m-%d}#{shard}"
