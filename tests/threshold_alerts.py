"""Many that spend at once, and several functions that follow the ledger's stream, each of them all of it, with batches
that come twice: how many alerts come of it."""

import io
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3

from backstay.alerts.alert import AlertState
from backstay.alerts.alerting import Alerting
from backstay.alerts.rules import rules
from backstay.alerts.store import AlertStore, StaleAlertError
from backstay.budgets.batch import Batch
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger
from backstay.budgets.thresholds import LEVELS, rule_of
from backstay.catalog import Catalog
from backstay.config import Config, parse
from backstay.settings import Environment
from follow_ledger.following import LedgerFollower

TENANTS = 4
_PRICE = Decimal("0.001")
_THREADS, _PROCESSES = 32, 4
_FOLLOWERS = 3
_LARGEST_BATCH = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it."""

    spends: int
    records: int
    """Of the stream."""
    expected: int
    """A rule, a scope and a window each."""
    missing: tuple[str, ...]
    """Of these, whom nobody was told of."""
    doubled: tuple[str, ...]
    """Alerts beyond one of a rule, scope and window."""


def settings_for(spends: int) -> Config:
    """Limits of which all spends together use more than every threshold."""
    total = spends * _PRICE
    return parse(
        f"""
        [budgets.total]
        daily = {total * Decimal("1.02")}
        monthly = {total * Decimal("1.03")}
        yearly = {total * Decimal("1.04")}
        [budgets.tenants."*"]
        daily = {total / TENANTS * Decimal("1.02")}
        yearly = {total / TENANTS * Decimal("0.9")}
        soft = ["yearly"]
        """
    )


def spend_and_follow(env: Environment, folder: Path, spends: int, endpoint_url: str) -> Found:
    """Spend, while the stream of the guards table is followed.

    Args:
        env: its tables are there, and empty.
        folder: any without tasks.
        spends: how many calls.
        endpoint_url: of the emulator.
    """
    settings, over, told = settings_for(spends), threading.Event(), set[str]()
    alerting = Alerting(env.alerts_table, rules(settings.alerts), lambda alert: told.add(alert.id))
    with ThreadPoolExecutor(_FOLLOWERS) as followers, redirect_stdout(io.StringIO()):  # metrics are lines of it
        streams = [Stream(env.guards_table, endpoint_url, random.Random(number)) for number in range(_FOLLOWERS)]
        follower = [LedgerFollower(env, settings, Catalog(folder), alerting.take) for _ in streams]
        work = [followers.submit(_follow, one, stream, over) for one, stream in zip(follower, streams, strict=True)]
        _spend(env, settings, spends)
        over.set()
        records = [one.result() for one in work]
    return _found(env, spends, records[0], told)


class Stream:
    """One reader's way through the stream, in batches of any size, of which some come again later."""

    def __init__(self, table: str, endpoint_url: str, chance: random.Random) -> None:
        self._client: Any = boto3.client("dynamodbstreams", endpoint_url=endpoint_url)
        self._chance = chance
        (arn,) = [one["StreamArn"] for one in self._client.list_streams(TableName=table)["Streams"]]
        (shard,) = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._iterator = self._client.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def batches(self, over: threading.Event) -> Iterator[Sequence[dict[str, Any]]]:
        """All batches, until there is nothing more to come."""
        kept: list[Sequence[dict[str, Any]]] = []
        while True:
            was_over = over.is_set()
            size = self._chance.randint(1, _LARGEST_BATCH)
            answer = self._client.get_records(ShardIterator=self._iterator, Limit=size)
            self._iterator = answer["NextShardIterator"]
            if records := answer["Records"]:
                yield records
                kept = [*kept[-3:], records]
                if self._chance.random() < 0.2:
                    yield self._chance.choice(kept)
            elif was_over:
                return
            else:
                time.sleep(0.05)


def _follow(follower: LedgerFollower, stream: Stream, over: threading.Event) -> int:
    seen = set[str]()
    for batch in stream.batches(over):
        while True:
            try:
                follower.follow(batch)
                break
            except StaleAlertError:
                time.sleep(0.05)  # Lambda brings the batch again
        seen.update(record["eventID"] for record in batch)
    return len(seen)


def _spend(env: Environment, settings: Config, spends: int) -> None:
    ledgers = [Ledger(settings.budgets, env.guards_table, running=Batch(), patience_s=60) for _ in range(_PROCESSES)]

    def call(number: int) -> None:
        scopes = ("total", f"tenant:t{number % TENANTS}")
        ledgers[number % _PROCESSES].reserve(Ask(_PRICE, scopes, 60)).settle(_PRICE)

    with ThreadPoolExecutor(_PROCESSES * _THREADS) as threads:
        list(threads.map(call, range(spends)))
    for ledger in ledgers:
        ledger.settle_all()


def _found(env: Environment, spends: int, records: int, told: set[str]) -> Found:
    sources = [f"total.{window}" for window in ("daily", "monthly", "yearly")]
    sources += [f"tenant:t{number}.{window}" for number in range(TENANTS) for window in ("daily", "yearly")]
    expected = {f"{rule_of(level)} {source}" for level in LEVELS for source in sources}
    alerts = AlertStore(env.alerts_table).page(list(AlertState), 100).alerts
    opened = Counter(f"{alert.rule} {alert.source}" for alert in alerts)
    heard = {f"{alert.rule} {alert.source}" for alert in alerts if alert.id in told}
    doubled = [name for name, count in opened.items() if count > 1 or name not in expected]
    return Found(spends, records, len(expected), tuple(sorted(expected - heard)), tuple(doubled))
