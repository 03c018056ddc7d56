"""Our guards with eight processes full of callers: what they promise holds for all of them together.

Windows and resets are those of production on a smaller scale; `make chaos` measures on the true one.
"""

from collections.abc import Mapping

import pytest

from backstay.resilience.circuit import BreakerSettings
from backstay.resilience.rate_limit import RateLimits
from cli.local.environment import aws_environment
from tests.contract import fleet
from tests.contract.clouds import Cloud, unique

_NEWS_S = 0.1  # what a write and eighty threads on two cores take, besides the age of what a process remembers


@pytest.fixture(scope="module")
def environment(emulator: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the processes of a fleet are told."""
    return aws_environment(str(emulator.endpoint_url), tmp_path_factory.mktemp("fleet"))


@pytest.fixture
def table(emulator: Cloud) -> str:
    """An empty guards table."""
    name = unique("guards")
    emulator.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_five_hundred_callers_keep_to_a_limit_in_every_window_and_use_it(table, environment):
    limits = RateLimits(
        requests=100, tokens=10_000, window_s=6
    )  # with the true lapse: threads are late on busy machines
    work = fleet.RateCallers(table, limits, tokens=100, tokens_used=60, lasts_s=10)
    seen = fleet.run(work, environment, callers=62)
    calls = [call for process in seen for call in process.calls]
    assert fleet.busiest(calls, 6) <= 100
    assert fleet.busiest(calls, 6, lambda call: call.tokens) <= 10_000
    assert len(calls) >= 2 * 95, "two windows have passed, and callers came back when they were told to"
    assert sum(process.writes for process in seen) <= 0.2 * len(calls), "half as many at full scale"


@pytest.mark.parametrize("fails_after_s", [0.0, 0.5], ids=["fails", "hangs"])
def test_a_provider_that_is_down_gets_no_more_calls_than_the_bound(table, environment, emulator, fails_after_s):
    outage_s, reset_s = 2.0, 0.8
    settings = BreakerSettings(reset_timeout_s=reset_s)
    work = fleet.BreakerCallers(table, settings, cache_s=0.02, fails_after_s=fails_after_s, lasts_s=outage_s)
    calls = [call for process in fleet.run(work, environment, callers=10) for call in process.calls]
    key = {"id": {"S": "breaker#fleet"}}
    item = emulator.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    opened_at = int(item["transitions"]["L"][0]["L"][0]["N"]) / 1000
    known_at = opened_at + work.cache_s + _NEWS_S
    in_flight = sum(call.arrived <= known_at and opened_at <= call.ended for call in calls)
    assert len(calls) <= settings.failure_threshold + in_flight + -(-outage_s // reset_s)
    assert any(call.arrived > known_at for call in calls), "it was probed"


def test_never_more_calls_run_than_the_fleet_has_seats_and_all_of_them_are_used(table, environment, emulator):
    work = fleet.SeatedCallers(table, at_once=12, call_s=0.1, lasts_s=3)
    seen = fleet.run(work, environment, callers=10)
    calls = [call for process in seen for call in process.calls]
    assert fleet.most_at_once(calls) == 12
    item = emulator.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "seats#fleet"}})["Item"]
    assert item["taken"]["N"] == "0", "all of them were given back"
