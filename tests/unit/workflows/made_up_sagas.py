"""Sagas that nobody would write, what befalls their runs, and how such a run must go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

from await_signal.task import task as await_signal
from backstay.catalog import AnyTask
from backstay.task import Task
from backstay.workflows.conditions import PRE_APPROVED, Both, Comparison, Condition, Either, Not, Operator, PreApproved
from backstay.workflows.saga import AnyStep, Approval, Saga, Step, Undo, WaitForSignal, fact, ref
from infra.state_machine import Ground
from settle_step.task import task as settle_step
from tests.states_language import TaskError

DO, UNDO, SETTLE, ABORT = "do", "undo", "settle", "abort"
RUN, TENANT = "acme.0123456789abcdefghijklmn", "acme"
STEP_NAMES = ("first", "second", "third", "fourth", "fifth")
FIELDS = ("sure", "kind", "deep.count")


class Anything(BaseModel):
    """What the tasks here take and answer."""


OWN_TASKS: Mapping[str, AnyTask] = {task.name: task for task in (settle_step, await_signal)}
"""Backstay's own, which every saga sends to."""

TASKS = OWN_TASKS | {
    name: Task(name=name, input=Anything, output=Anything)
    for name in (f"{what}-{step}" for step in STEP_NAMES for what in (DO, UNDO))
}

GROUND = Ground(TASKS, lambda queue: f"https://sqs.us-east-1.amazonaws.com/123456789012/backstay-test-{queue}")


@dataclass(frozen=True)
class Fate:
    """What befalls a step."""

    error: str | None = None
    """What it fails with, if it does."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_to_be_undone: bool | None = True
    """What settling it finds; None: that fails."""
    undo_fails: bool = False


@dataclass(frozen=True)
class Story:
    """One execution of a saga: how it begins, and what befalls each of its steps."""

    saga: Saga
    mode: str
    begin_facts: Mapping[str, Any]
    pre_approved: bool
    already_done: frozenset[str]
    fates: Mapping[str, Fate]

    def input(self) -> dict[str, Any]:
        """What the execution is started with."""
        data = {
            "run_id": RUN,
            "tenant": TENANT,
            "execution": 1,
            "mode": self.mode,
            "pre_approved": self.pre_approved,
            "facts": _told(self.begin_facts),
            "steps": {name: self.entry(name) for name in self.already_done},
        }
        return data | ({"failure": {"Error": "earlier", "Cause": "before"}} if self.mode == UNDO else {})

    def entry(self, name: str) -> dict[str, Any]:
        """What stands in the state of a step that is done."""
        return {"job_id": f"acme.{name}", "facts": _told(self.fates[name].facts)}

    def answer(self, direction: str, name: str) -> dict[str, Any]:
        """What the job answers that was sent; or it raises what the job failed with."""
        fate = self.fates[name]
        if direction == DO and fate.error:
            raise TaskError(fate.error, f"{name} was meant to fail")
        if direction == SETTLE and fate.is_to_be_undone is None:
            raise TaskError("crashed", f"nobody knows of {name}")
        if direction == UNDO and fate.undo_fails:
            raise TaskError("rejected", f"{name} stays as it is")
        facts = {"undo": fate.is_to_be_undone} if direction == SETTLE else _told(fate.facts)
        return {"job_id": f"acme.{direction}-{name}", "facts": {} if direction == UNDO else facts}


@dataclass(frozen=True)
class Course:
    """How a run goes: the jobs that it sends, such as `("do", "make")`, and its end."""

    jobs: tuple[tuple[str, str], ...]
    end: str
    error: str | None = None
    """What it failed with first."""


def foreseen(story: Story) -> Course:
    """How the execution must go, said anew from the specification."""
    jobs: list[tuple[str, str]] = []
    done, failed = {name: story.fates[name].facts for name in story.already_done}, None
    for step in story.saga.steps if story.mode == DO else ():
        if step.name in done or (step.when and not is_met(step.when, story, done)):
            continue
        jobs.append((DO, step.name))
        if story.fates[step.name].error:
            failed = step
            break
        done[step.name] = story.fates[step.name].facts
    if story.mode == DO and not failed:
        return Course(tuple(jobs), "completed")
    undone = _way_back(story, failed, done, jobs)
    error = {DO: story.fates[failed.name].error if failed else None, UNDO: "earlier", ABORT: "aborted"}[story.mode]
    is_refused = isinstance(failed, Approval) and error == "rejected"
    if False in undone.values():
        end = "compensation_failed"
    elif story.mode == ABORT or is_refused:
        end = "aborted"
    else:
        end = "compensated" if undone else "failed"
    return Course(tuple(jobs), end, error)


def _way_back(
    story: Story, failed: AnyStep | None, done: Mapping[str, Any], jobs: list[tuple[str, str]]
) -> dict[str, bool]:
    """Adds the jobs of the way back; answers for every step that had to be undone whether it could be."""
    undone = {}
    steps = list(story.saga.steps)
    for step in reversed(steps[: steps.index(failed) + 1] if failed else steps):
        if not isinstance(step, Step):
            continue
        fate, must_be_undone = story.fates[step.name], step.name in done
        if not must_be_undone and (step is failed or story.mode == ABORT):
            jobs.append((SETTLE, step.name))
            must_be_undone = fate.is_to_be_undone is not False
        if must_be_undone and step.undo:
            jobs.append((UNDO, step.name))
            undone[step.name] = not fate.undo_fails
    return undone


def is_met(condition: Condition, story: Story, done: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a condition holds."""
    match condition:
        case PreApproved():
            return story.pre_approved
        case Both(left, right):
            return is_met(left, story, done) and is_met(right, story, done)
        case Either(left, right):
            return is_met(left, story, done) or is_met(right, story, done)
        case Not(inner):
            return not is_met(inner, story, done)
        case Comparison():
            facts = story.begin_facts if condition.source == "input" else done.get(condition.source, {})
            return _compares(facts.get(condition.field), condition)
    raise TypeError(condition)


def _compares(value: Any, condition: Comparison) -> bool:
    kinds = {bool: (bool,), str: (str,)}.get(type(condition.value), (int, float))
    if not isinstance(value, kinds) or isinstance(value, bool) is not isinstance(condition.value, bool):
        return False
    if condition.operator is Operator.EQUALS:
        return bool(value == condition.value)
    return bool(value >= condition.value if condition.operator is Operator.AT_LEAST else value <= condition.value)


def job_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Which job a state has sent: its direction and its step."""
    if step := body.get("step"):
        return step["direction"], step["name"]
    return DO, body["input"]["step"]


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace(".", "_"): value for name, value in facts.items()}


_SCALARS = st.sampled_from((True, False, None, 0, 1, 3, 2.5, "", "x", "3"))
_FACTS = st.dictionaries(st.sampled_from(FIELDS), _SCALARS)
_ERRORS = st.sampled_from((None, None, None, "rejected", "task_timeout", "States.Timeout", "cancelled"))
_FATES = st.builds(Fate, _ERRORS, _FACTS, st.sampled_from((True, False, None)), st.booleans())


def conditions(sources: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    """Conditions on the facts of some sources."""
    facts = st.builds(
        lambda source, field: fact(f"{source}.{field}"), st.sampled_from(sources), st.sampled_from(FIELDS)
    )
    compared = st.one_of(
        facts,
        st.builds(lambda fact, value: fact.equals(value), facts, st.sampled_from(("x", "3", 3, False))),
        st.builds(lambda fact, value: fact.at_least(value), facts, st.sampled_from((1, 2.5))),
        st.builds(lambda fact, value: fact.at_most(value), facts, st.sampled_from((1, 2.5))),
        st.just(PRE_APPROVED),
    )
    return st.recursive(
        compared,
        lambda inner: st.one_of(
            inner.map(lambda condition: ~condition),
            st.tuples(inner, inner).map(lambda both: both[0] & both[1]),
            st.tuples(inner, inner).map(lambda either: either[0] | either[1]),
        ),
        max_leaves=4,
    )


@st.composite
def sagas(draw: st.DrawFn) -> Saga:
    """Sagas of one to five steps of every kind."""
    steps: list[AnyStep] = []
    for name in STEP_NAMES[: draw(st.integers(1, len(STEP_NAMES)))]:
        earlier = tuple(step.name for step in steps)
        when = draw(st.none() | conditions(("input", *earlier)))
        mapping = {"of": ref(f"{earlier[-1]}.x", default=None)} if earlier else {"of": ref("input.x")}
        undo = draw(st.sampled_from((None, Undo(f"undo-{name}", {"made": ref(f"{name}.id")}))))
        kinds = (Step(name, f"do-{name}", mapping, undo, when), Approval(name, when), WaitForSignal(name, "paid", when))
        steps.append(draw(st.sampled_from((kinds[0], *kinds))))
    return Saga("made-up", Anything, tuple(steps))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Executions of such sagas, from their start, a redrive or an abort."""
    saga = draw(sagas())
    names = [step.name for step in saga.steps]
    done = draw(st.sets(st.sampled_from(names))) if draw(st.booleans()) else set()
    fates = {name: draw(_FATES) for name in names}
    mode = draw(st.sampled_from((DO, DO, DO, UNDO, ABORT)))
    return Story(saga, mode, draw(_FACTS), draw(st.booleans()), frozenset(done), fates)
