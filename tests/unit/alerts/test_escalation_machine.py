"""Escalation as the States Language has it: who is told, when, and when it ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay import config
from infra.escalation_machine import escalation_machine
from tests.alert_channels import EMAIL, EVERY, SLACK
from tests.states_language import Machine, Sent, TaskError


class World:
    """Answers the machine's tasks, by a clock that only its waits move."""

    def __init__(self, closes_after_s: float = float("inf"), cannot_send: str = "") -> None:
        self.now_s, self.told = 0, list[tuple[int, str]]()
        self._closes_after_s, self._cannot_send = closes_after_s, cannot_send

    def wait(self, seconds: int) -> None:
        self.now_s += seconds

    def answer(self, sent: Sent) -> Any:
        if "TableName" in sent.parameters:
            assert sent.parameters["Key"] == {"id": {"S": "a1"}}
            assert sent.parameters["ConsistentRead"] is True
            state = "open" if self.now_s < self._closes_after_s else "acknowledged"
            return {"Item": {"state": {"S": state}}}
        body = sent.parameters["MessageBody"]
        channel = body["input"]["channel"]
        if channel == self._cannot_send:
            raise TaskError("SQS.Unavailable", "down")
        assert body["idempotency_key"] == f"a1#open#{channel}"
        assert body["input"] == {"alert_id": "a1", "channel": channel, "about": "open"}
        self.told.append((self.now_s // 60, channel))
        return {"MessageId": "1"}


def escalate(toml: str, policy: str, world: World) -> str:
    """Run a policy to its end; answers how the execution has ended."""
    definition = escalation_machine(config.parse(toml).alerts, "alerts", "https://queue")
    ended = Machine(definition, world.answer, world.wait).run({"alert_id": "a1", "policy": policy})
    return ended.status


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("default", [(0, "slack"), (5, "oncall"), (15, "email")]),
        ("critical", [(0, "slack"), (0, "oncall"), (3, "email")]),
        ("security", [(0, "slack"), (0, "oncall"), (0, "email")]),
        ("cost", [(0, "slack"), (10, "email")]),
    ],
)
def test_the_built_in_policies_tell_whom_they_should_when_they_should(policy: str, told: list[tuple[int, str]]) -> None:
    world = World()
    assert escalate(EVERY, policy, world) == "SUCCEEDED"
    assert world.told == told


@pytest.mark.parametrize(("closes_after_min", "told"), [(0, []), (1, ["slack"]), (6, ["slack", "oncall"])])
def test_nobody_is_told_once_somebody_looks_after_the_alert(closes_after_min: int, told: list[str]) -> None:
    world = World(closes_after_s=60 * closes_after_min)
    assert escalate(EVERY, "default", world) == "SUCCEEDED"
    assert [channel for _, channel in world.told] == told


def test_a_channel_that_nobody_configured_is_passed_over_and_the_others_keep_their_times() -> None:
    world = World()
    escalate(SLACK + EMAIL, "default", world)
    assert world.told == [(0, "slack"), (15, "email")]


def test_without_channels_an_escalation_ends_at_once() -> None:
    world = World()
    assert escalate("", "default", world) == "SUCCEEDED"
    assert (world.told, world.now_s) == ([], 0)


def test_a_policy_that_was_since_removed_is_taken_for_the_default_one() -> None:
    world = World()
    escalate(EVERY, "gone", world)
    assert [channel for _, channel in world.told] == ["slack", "oncall", "email"]


def test_a_channel_whose_job_cannot_be_sent_holds_up_no_other_and_fails_the_execution() -> None:
    world = World(cannot_send="slack")
    assert escalate(EVERY, "critical", world) == "FAILED"
    assert [channel for _, channel in world.told] == ["oncall", "email"]


@given(
    minutes=st.lists(st.integers(0, 10_080), unique=True, min_size=1, max_size=6).map(sorted),
    channels=st.lists(st.sampled_from(["slack", "oncall", "email", "nobody"]), min_size=6, max_size=6),
)
def test_every_step_of_any_policy_comes_at_its_minute(minutes: list[int], channels: list[str]) -> None:
    pairs = list(zip(minutes, channels, strict=False))
    steps = ", ".join(f'{{ after_minutes = {after}, channels = ["{channel}"] }}' for after, channel in pairs)
    toml = f"{EVERY}\n[alerts.policies.own]\nsteps = [{steps}]\n"
    world = World()
    assert escalate(toml, "own", world) == "SUCCEEDED"
    assert world.told == [(after, channel) for after, channel in pairs if channel != "nobody"]


def test_it_holds_no_null_which_would_be_lost_on_its_way_to_the_template() -> None:
    def values(part: object) -> list[object]:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        return [part, *(value for one in inner for value in values(one))]

    assert None not in values(escalation_machine(config.parse(EVERY).alerts, "alerts", "https://queue"))
