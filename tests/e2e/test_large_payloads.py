"""A payload that no state of a machine could hold passes through a saga, by the doors that everybody uses."""

import hashlib
import json

import httpx
import pytest

from bench.embedded import history_of

from .runs import start, until
from .stack import Json, Stack

pytestmark = pytest.mark.e2e

SIZE, LARGEST_STATE = 10_000_000, 200_000
PLACES = (("stateEnteredEventDetails", "input"), ("stateExitedEventDetails", "output"))


@pytest.fixture(scope="module")
def content() -> str:
    """Text that packs badly."""
    return hashlib.shake_256(b"a payload").hexdigest(SIZE // 2)


def upload(stack: Stack, work: Json) -> str:
    """Bring a large input by a presigned URL; answers how it is named."""
    text = json.dumps(work).encode()
    place = stack.post("/api/uploads", {"size": len(text), "content_type": "application/json"})
    stack.put(place["url"], text, place["headers"])
    input_ref: str = place["input_ref"]
    return input_ref


def content_of(link: str) -> str:
    text: str = httpx.get(link, trust_env=False).raise_for_status().json()["text"]
    return text


def largest_state(stack: Stack, run_id: str) -> int:
    events = history_of(stack.cloud, "carry", run_id)
    return max(len(event[kind][name]) for event in events for kind, name in PLACES if kind in event)


def test_ten_megabytes_pass_through_every_step(stack: Stack, content: str):
    run_id = start(stack, "carry", input_ref=upload(stack, {"text": content}))
    run = until(stack, run_id, "completed")
    assert [step["output"] for step in run["steps"]] == [None, None, None], "too large to be shown"
    for step in run["steps"]:
        assert content_of(step["output_link"]) == content, step["name"]
    assert largest_state(stack, run_id) < LARGEST_STATE


def test_ten_megabytes_are_taken_back(stack: Stack, content: str):
    run_id = start(stack, "carry", input_ref=upload(stack, {"text": content, "reject": True}))
    run = until(stack, run_id, "compensated")
    assert run["undone"] == ["lift"]
    undo = stack.job(run["steps"][0]["undo"]["job_id"])
    assert content_of(undo["result_link"]) == content
    assert largest_state(stack, run_id) < LARGEST_STATE
