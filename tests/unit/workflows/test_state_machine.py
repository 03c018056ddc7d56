"""The state machine of a saga, driven through whatever may befall its steps."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backstay.jobs import message
from backstay.jobs.step import Direction, key_of
from backstay.jobs.task_tokens import LONGEST_FACT_BYTES
from backstay.workflows.mapping import resolve
from infra.state_machine import state_machine
from tests.states_language import Ended, Machine, Sent
from tests.unit.workflows.made_up_sagas import (
    DO,
    GROUND,
    OWN_TASKS,
    RUN,
    UNDO,
    Story,
    foreseen,
    job_of,
    sagas,
    stories,
)


def drive(story: Story) -> tuple[Ended, list[tuple[str, str]], list[Sent]]:
    """Run a story; answers its end, the jobs that were sent, and each as it was sent."""
    jobs: list[tuple[str, str]] = []
    sent: list[Sent] = []

    def world(message: Sent) -> Any:
        jobs.append(job_of(message.parameters["MessageBody"]))
        sent.append(message)
        return story.answer(*jobs[-1])

    return Machine(state_machine(story.saga, GROUND), world).run(story.input()), jobs, sent


@given(stories())
def test_an_execution_goes_as_it_must_whatever_befalls_it(story: Story):
    ended, jobs, _ = drive(story)
    course = foreseen(story)
    assert tuple(jobs) == course.jobs
    assert (ended.error or "completed") == course.end, ended.cause
    if course.error:
        assert json.loads(ended.cause or "")["Error"] == course.error


@given(stories())
def test_what_is_undone_is_undone_in_reverse_and_only_after_all_that_was_to_be_done(story: Story):
    _, jobs, _ = drive(story)
    order = [step.name for step in story.saga.steps]
    forward = [order.index(name) for direction, name in jobs if direction == DO]
    backward = [order.index(name) for direction, name in jobs if direction == UNDO]
    assert forward == sorted(set(forward))
    assert backward == sorted(set(backward), reverse=True)
    assert [direction == DO for direction, _ in jobs] == sorted(
        (direction == DO for direction, _ in jobs), reverse=True
    )


@given(stories())
def test_every_step_is_sent_to_its_tasks_queue_as_a_worker_reads_it(story: Story):
    _, _, sent = drive(story)
    for parameters in (each.parameters for each in sent):
        body = parameters["MessageBody"]
        assert parameters["QueueUrl"].endswith(f"-{body['task']}")
        assert parameters["MessageGroupId"] == "acme"
        read = message.read(json.dumps(body), "m", body["task"])
        if own := OWN_TASKS.get(body["task"]):
            own.input.model_validate(resolve(body["input"], {"run": {"id": RUN}}))
        if not isinstance(read, message.StepMessage):
            assert own
            continue
        step = read.step
        key = key_of(RUN, step.name, step.direction)
        assert read.idempotency_key == (f"{key}#1" if step.direction is Direction.SETTLE else key)
        assert (step.run_id, step.saga, step.execution) == (RUN, "made-up", 1)


@given(sagas())
def test_every_state_is_reached_from_the_start_and_none_comes_again(saga):
    definition = state_machine(saga, GROUND)
    states: Mapping[str, Any] = definition["States"]
    following = {name: set(_following(state)) for name, state in states.items()}
    assert set().union(*following.values()) <= set(states)
    assert _reached(definition["StartAt"], following) == set(states)
    for name in states:
        assert name not in set().union(set(), *(_reached(other, following) for other in following[name]))


@given(sagas())
def test_every_state_that_waits_has_a_ceiling_and_a_way_on_from_any_failure(saga):
    for state in state_machine(saga, GROUND)["States"].values():
        if state["Type"] == "Task":
            assert state["TimeoutSeconds"] > 0
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
            errors = [error for retry in state["Retry"] for error in retry["ErrorEquals"]]
            assert all(error.startswith("SQS.") for error in errors), "only the sending is retried; the job retries"


@given(stories(), st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF))
def test_the_state_of_a_run_stays_small_where_every_fact_is_as_long_as_it_may_be(story: Story, letter: str):
    long = letter * (LONGEST_FACT_BYTES // len(json.dumps(letter)))
    fates = {name: replace(fate, facts=dict.fromkeys(fate.facts, long)) for name, fate in story.fates.items()}
    ended, _, _ = drive(replace(story, fates=fates))
    facts = sum(len(fate.facts) for fate in fates.values())
    assert ended.largest_state_bytes < facts * LONGEST_FACT_BYTES + 200 * len(fates) + 1_000


def _following(state: Mapping[str, Any]) -> Iterator[str]:
    ways = [state, *state.get("Catch", ()), *state.get("Choices", ())]
    yield from (way["Next"] for way in ways if "Next" in way)
    if "Default" in state:
        yield state["Default"]


def _reached(start: str, following: Mapping[str, set[str]]) -> set[str]:
    reached, ahead = {start}, [start]
    while ahead:
        new = following[ahead.pop()] - reached
        reached |= new
        ahead += new
    return reached
