"""Two runs that hand resources to one another at once, again and again; counts what gets lost or is there twice."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from backstay import aws
from backstay.clock import utc_now
from backstay.workflows.catalog import Sagas
from backstay.workflows.coordination import CoordinationError, Coordinator, Source
from backstay.workflows.resources import Resource, ResourceTable, taking
from backstay.workflows.run import RunRecord, RunState, run_id
from backstay.workflows.run_store import RunStore

RESOURCES = 4


@dataclass
class Handoffs:
    """What came of it."""

    moved: int = 0
    """Handoffs that were made."""
    refused: int = 0
    """Handoffs of what the run no longer had, or that others kept from being made."""
    astray: list[str] = field(default_factory=list)
    """What was lost or doubled, and in which round."""


def put_run(table: str, key: str, tenant: str = "acme") -> str:
    """A run that goes on; answers its id."""
    now, an_id = utc_now(), run_id(tenant, "publish", key)
    record = RunRecord(an_id, "publish", RunState.RUNNING, key, "d", now, now, now)
    RunStore(table).create(record, {"id": an_id, "part": "input", "body": "{}"})
    return an_id


def hand_to_and_fro(table: str, key: str, rounds: int) -> Handoffs:
    """Let two runs, each by a coordinator of its own, hand all they have to the other at the same moment."""
    ends = put_run(table, f"{key}-one"), put_run(table, f"{key}-two")
    names = [f"resource-{number}" for number in range(RESOURCES)]
    for end, given in zip(ends, (names[:2], names[2:]), strict=True):
        resources = [Resource(type="template", name=name) for name in given]
        aws.dynamodb().transact_write_items(TransactItems=taking(table, end, resources))
    found, expected = Handoffs(), Counter(names)
    for number in range(rounds):
        _hand_over_at_once(table, ends, number, found)
        there = Counter(one.name for end in ends for one in ResourceTable(table).owned(end))
        if there != expected:
            found.astray.append(f"round {number}: {dict(there)}")
            return found
    return found


def _hand_over_at_once(table: str, ends: tuple[str, str], number: int, found: Handoffs) -> None:
    both, counting = threading.Barrier(2), threading.Lock()

    def hand_over(source: str, target: str) -> None:
        mine = [one.name for one in ResourceTable(table).owned(source)]
        both.wait()
        try:
            # One name that may be on its way to us makes the two want the same items.
            Coordinator(table, Sagas(())).hand_over(Source(source, f"round-{number}"), target, mine or ["resource-0"])
        except CoordinationError:
            with counting:
                found.refused += 1
        else:
            with counting:
                found.moved += 1

    threads = [threading.Thread(target=hand_over, args=way) for way in (ends, ends[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
