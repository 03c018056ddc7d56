"""State machines of sagas: that they go the same way as by the States Language, and what is told of how they stand."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings

from backstay.workflows.saga import Saga, Step, fact
from infra.state_machine import Ground, state_machine
from tests.contract.clouds import Cloud, Queue, eventually, outcome, unique
from tests.contract.deviations import NAMES_TAKEN, NUMBERS_AS_TRUTH
from tests.states_language import Ended, Machine, TaskError
from tests.unit.workflows.made_up_sagas import DO, TASKS, Anything, Fate, Story, job_of, stories

_LANGUAGE = "Amazon States Language"
_EVENTS = "Step Functions developer guide, Automating Step Functions event delivery with EventBridge"
_START = "Step Functions API reference, StartExecution"


@dataclass(frozen=True)
class Stage:
    """Where stories are played: every task has the same queue."""

    cloud: Cloud
    queue: Queue

    @property
    def ground(self) -> Ground:
        """What state machines send to."""
        return Ground(TASKS, lambda _: self.queue.url)

    def machine(self, saga: Saga) -> str:
        """A state machine of the saga; answers its ARN."""
        made = self.cloud.client("stepfunctions").create_state_machine(
            name=unique("saga"),
            definition=json.dumps(state_machine(saga, self.ground)),
            roleArn=f"arn:aws:iam::{self.cloud.account}:role/saga",
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, story: Story, name: str) -> str:
        """Start a story; answers its execution's ARN."""
        started = self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(story.input())
        )
        return str(started["executionArn"])

    def answer_next(self, story: Story) -> tuple[str, str]:
        """Answer the next job as the story has it; answers which it was."""
        message, sfn = self.queue.receive_one(wait_s=10), self.cloud.client("stepfunctions")
        self.queue.delete(message["ReceiptHandle"])
        body = json.loads(message["Body"])
        job = job_of(body)
        token = (body.get("step") or body["input"])["token"]
        try:
            sfn.send_task_success(taskToken=token, output=json.dumps(story.answer(*job)))
        except TaskError as failure:
            sfn.send_task_failure(taskToken=token, error=failure.error, cause=failure.cause)
        return job

    def end_of(self, execution: str) -> Mapping[str, Any]:
        """The execution as soon as it is over."""
        sfn = self.cloud.client("stepfunctions")
        eventually(lambda: sfn.describe_execution(executionArn=execution)["status"] != "RUNNING")
        return dict(sfn.describe_execution(executionArn=execution))


@pytest.fixture(scope="module")
def stage(emulator: Cloud) -> Stage:
    return Stage(emulator, emulator.queue())


def by_the_language(story: Story, ground: Ground) -> tuple[Ended, list[tuple[str, str]]]:
    """How a story goes by the States Language."""
    jobs: list[tuple[str, str]] = []

    def world(sent: Any) -> Any:
        jobs.append(job_of(sent.parameters["MessageBody"]))
        return story.answer(*jobs[-1])

    return Machine(state_machine(story.saga, ground), world).run(story.input()), jobs


@settings(max_examples=25, derandomize=True)
@given(story=stories())
def test_a_run_goes_the_same_way_as_by_the_states_language(stage: Stage, story: Story):
    story = _without_numbers_for_truth(story)
    ended, jobs = by_the_language(story, stage.ground)
    execution = stage.start(stage.machine(story.saga), story, unique("run"))
    sent = [stage.answer_next(story) for _ in jobs]
    over = stage.end_of(execution)
    cause = json.loads(over["cause"]) if "cause" in over else None
    seen = (over["status"], over.get("error"), cause, sent)
    expected = (ended.status, ended.error, json.loads(ended.cause) if ended.cause else None, jobs)
    stage.cloud.does(seen, aws=expected, source=_LANGUAGE)


def test_a_number_is_no_truth_value(stage: Stage):
    story = _one_step({"sure": 1})
    execution = stage.start(stage.machine(story.saga), story, unique("run"))
    sent = stage.queue.receive(wait_s=1)
    for message in sent:
        stage.queue.delete(message["ReceiptHandle"])
        stage.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    stage.cloud.does(len(sent), aws=0, source=_LANGUAGE + ": Choice", but=NUMBERS_AS_TRUTH)


def test_a_name_that_runs_is_not_started_twice(stage: Stage):
    story = _one_step({"sure": True})
    machine, name = stage.machine(story.saga), unique("run")
    execution = stage.start(machine, story, name)
    again = outcome(lambda: stage.start(machine, story, name))
    other = outcome(lambda: stage.start(machine, replace(story, pre_approved=True), name))
    assert stage.answer_next(story) == (DO, "first")
    stage.end_of(execution)
    ended = outcome(lambda: stage.start(machine, story, name))
    assert not stage.queue.receive(wait_s=1)
    taken = "ExecutionAlreadyExists"
    stage.cloud.does((again, other, ended), aws=("accepted", taken, taken), source=_START, but=NAMES_TAKEN)


@pytest.fixture
def told(stage: Stage) -> Iterator[Queue]:
    """A queue to which the default bus brings how executions stand."""
    queue, events, rule = stage.cloud.queue(), stage.cloud.client("events"), unique("told")
    pattern = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue.arn}])
    yield queue
    events.remove_targets(Rule=rule, Ids=["queue"])
    events.delete_rule(Name=rule)


@pytest.mark.parametrize(
    ("fate", "is_stopped", "status", "error"),
    [
        (Fate(), False, "SUCCEEDED", None),
        (Fate("rejected", is_to_be_undone=False), False, "FAILED", "failed"),
        (Fate(), True, "ABORTED", None),
    ],
)
def test_how_an_execution_stands_is_told_with_what_it_was_started_with(
    stage: Stage, told: Queue, fate: Fate, is_stopped: bool, status: str, error: str | None
):
    story = replace(_one_step({"sure": True}), fates={"first": fate})
    name = unique("run")
    execution = stage.start(stage.machine(story.saga), story, name)
    if is_stopped:
        stage.queue.delete(stage.queue.receive_one()["ReceiptHandle"])
        stage.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    else:
        jobs = by_the_language(story, stage.ground)[1]
        assert [stage.answer_next(story) for _ in jobs] == jobs
    details = [json.loads(message["Body"])["detail"] for message in _two(told)]
    seen = sorted((each["status"], each["executionArn"], each["name"], each["error"]) for each in details)
    expected = sorted([("RUNNING", execution, name, None), (status, execution, name, error)], key=lambda each: each[0])
    stage.cloud.does(seen, aws=expected, source=_EVENTS)
    over = next(each for each in details if each["status"] != "RUNNING")
    assert json.loads(over["input"]) == story.input()
    assert all(isinstance(each["startDate"], int) for each in details), "milliseconds since 1970"
    assert over["stopDate"] >= over["startDate"] > 1_700_000_000_000


def _one_step(facts: Mapping[str, Any]) -> Story:
    step = Step("first", "do-first", {}, when=fact("input.sure"))
    return Story(Saga("made-up", Anything, (step,)), DO, facts, False, frozenset(), {"first": Fate()})


def _two(queue: Queue) -> list[dict[str, Any]]:
    messages = queue.receive(wait_s=5)
    return messages if len(messages) > 1 else messages + queue.receive(wait_s=5)


def _without_numbers_for_truth(story: Story) -> Story:
    """What the emulator takes for true or false is another test's."""

    def other(facts: Mapping[str, Any]) -> dict[str, Any]:
        return {name: 7 if type(value) is int and value < 2 else value for name, value in facts.items()}

    fates = {name: replace(fate, facts=other(fate.facts)) for name, fate in story.fates.items()}
    return replace(story, begin_facts=other(story.begin_facts), fates=fates)
