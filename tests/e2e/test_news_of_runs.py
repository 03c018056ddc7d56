"""News of runs arrives at people: from the run over the event bus, as an alert, to the first channel of its policy."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from backstay.clock import epoch_ms
from backstay.jobs import keys
from tests.receivers import receiver

from .runs import read, start, until
from .stack import Json, Stack

pytestmark = pytest.mark.e2e

WATCH = "watch-workflows"


class Ear:
    """Hears what people are told where they are told first: the channel that the embedded cloud has for Slack."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.cloud.inbox_url}/alerts/slack"

    def of(self, run_id: str) -> list[str]:
        """What was said of a run so far, in order."""
        messages = httpx.get(self._url, trust_env=False).raise_for_status().json()
        return [json.loads(message["body"])["text"] for message in messages if run_id in message["body"]]


@pytest.fixture
def ear(stack: Stack) -> Ear:
    return Ear(stack)


def look(stack: Stack) -> Json:
    """One round of the watch, which its clock would start within five minutes."""
    answer = stack.client("lambda").invoke(FunctionName=f"backstay-{stack.cloud.stage}-{WATCH}", Payload=b"{}")
    found: Json = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return found


def age(stack: Stack, run_id: str, **begun: timedelta) -> None:
    """Let a run be older than it is: unchanged for three minutes, and begun so long ago."""
    changed_at = datetime.now(UTC) - timedelta(minutes=3)
    values: dict[str, Any] = {
        "changed_at": {"N": str(epoch_ms(changed_at))},
        "state_at": {"S": keys.stamp(changed_at, run_id)},
        **{name: {"N": str(epoch_ms(changed_at - ago))} for name, ago in begun.items()},
    }
    stack.client("dynamodb").update_item(
        TableName=stack.cloud.outputs["WorkflowsTable"],
        Key={"id": {"S": run_id}, "part": {"S": "run"}},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
    )


def test_a_person_hears_that_a_run_waits_for_approval(stack: Stack, ear: Ear):
    run_id = start(stack, "meet", {})
    until(stack, run_id, "waiting_for_approval")
    assert f"backstay saga approve {run_id}" in stack.until(lambda: ear.of(run_id), 60)[0]
    stack.post(f"/api/runs/{run_id}/reject")
    until(stack, run_id, "aborted")
    stack.until(lambda: any(text.startswith("RESOLVED") for text in ear.of(run_id)), 60)


@pytest.mark.parametrize(
    ("what", "begun_ago", "step", "limit_s", "words"),
    [
        ("a step", {}, "linger", 1, "step 'linger' has taken longer than 1 s"),
        ("all of it", {"begun_at": timedelta(hours=1)}, None, 3600, "it has taken longer than 3600 s"),
    ],
)
def test_a_person_hears_once_of_what_is_stuck(
    stack: Stack, ear: Ear, what: str, begun_ago: dict[str, timedelta], step: str | None, limit_s: int, words: str
):
    run_id = start(stack, "dawdle", {"text": what})
    stack.until(lambda: any(one["job_id"] for one in read(stack, run_id)["steps"]))
    stuck = stack.until(lambda: stuck_once_aged(stack, run_id, begun_ago))
    assert (stuck["step"], stuck["limit_s"]) == (step, limit_s)
    heard = stack.until(lambda: ear.of(run_id), 60)
    assert words in heard[0]
    (numbers,) = [one for one in stack.get("/api/workflows")["workflows"] if one["saga"] == "dawdle"]
    assert numbers["stuck"] >= 1

    for _ in range(3):
        assert run_id not in look(stack)["stuck"], "the same thing is told once"
    stack.post(f"/api/runs/{run_id}/abort")
    until(stack, run_id, "aborted")
    assert not read(stack, run_id)["stuck"]


def stuck_once_aged(stack: Stack, run_id: str, begun_ago: dict[str, timedelta]) -> Json | None:
    """What is stuck in a run that is made older first; the watch's own clock may have found it a moment ago."""
    age(stack, run_id, **begun_ago)
    look(stack)
    stuck: Json | None = read(stack, run_id)["stuck"]
    return stuck


def test_a_person_hears_of_a_run_that_could_not_be_undone(stack: Stack, ear: Ear):
    faults = {"one#undo": "fails_for_good", "check#do": "fails_for_good"}
    with receiver() as outside:
        run_id = start(stack, "matrix", {"url": outside.url(), "faults": faults})
        run = until(stack, run_id, "compensation_failed")
    assert run["standing"] == [{"step": "one", "why": "undo_failed"}]
    texts = stack.until(lambda: ear.of(run_id), 60)
    assert f"backstay saga redrive {run_id}" in texts[0]
