"""No rule is silent: each one's fault is put into the cloud, and arrives as a message at the local Slack receiver."""

import contextlib
from collections.abc import Iterator

import pytest

from backstay.alerts.rules import BUILT_IN
from bench.alerts import has_come, read
from bench.faults import Alarming, Faults

from .conftest import OWN_RULE, OWN_SOURCE
from .stack import Stack

pytestmark = pytest.mark.e2e


@pytest.fixture
def faults(stack: Stack) -> Iterator[Faults]:
    made = Faults(stack.cloud, stack.http)
    made.resolve_all()
    yield made
    made.heal()
    made.resolve_all()


def test_every_rule_s_fault_reaches_people(stack: Stack, faults: Faults):
    wanted: list[Alarming] = []
    for fault in faults.all():
        fault.happen()
        wanted += fault.raises
    assert {alarming.rule for alarming in wanted} == set(BUILT_IN)

    def silent() -> list[Alarming]:
        texts = read(stack.cloud)
        return [one for one in wanted if not has_come(one, texts)]

    with contextlib.suppress(TimeoutError):
        stack.until(lambda: not silent(), seconds=180)
    assert silent() == []


def test_a_team_s_own_event_reaches_people(stack: Stack):
    entry = {"Source": OWN_SOURCE, "DetailType": "Import failed", "Detail": '{"file": "customers.csv"}'}
    assert stack.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    told = Alarming(OWN_RULE, OWN_SOURCE)
    stack.until(lambda: has_come(told, read(stack.cloud)), seconds=60)
