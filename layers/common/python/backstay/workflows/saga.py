"""The Saga declaration: steps in order, each with what undoes it. One file a saga in `infra/sagas/`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from backstay.errors import BackstayError
from backstay.workflows.conditions import PRE_APPROVED, Condition, fact
from backstay.workflows.mapping import DEFAULT, REF, refs_of

__all__ = ["PRE_APPROVED", "Approval", "Saga", "Step", "Undo", "WaitForSignal", "fact", "ref", "refs"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_STEP_NAME = re.compile(r"[a-z][a-z0-9_]*")  # stands in JSONPath, which takes no hyphen
_RESERVED = frozenset(
    {"aborted", "begin", "compensated", "compensation_failed", "completed", "ended", "failed", "input", "run"}
)
_LONGEST_NAME = 40
MOST_STEPS = 50
"""What all of them answer for conditions travels in one state, and what one of them refers to is read in one go."""

_NOTHING = object()

APPROVED = "approved"
"""What an approval waits for."""


class SagaDeclarationError(BackstayError):
    """A saga is declared in a way that can't work; the text names saga, step and what to do."""


def ref(path: str, default: Any = _NOTHING) -> dict[str, Any]:
    """A value that is known when the step runs.

    Args:
        path: `input.…` (what the run began with), `run.id`, `run.tenant`, `run.saga`, `run.started_at`, or an earlier
            step's name and the fields of its result.
        default: taken where the path leads nowhere; without one, that fails the step.
    """
    return {REF: path} if default is _NOTHING else {REF: path, DEFAULT: default}


def refs(path: str, *names: str) -> dict[str, Any]:
    """Fields of an object, each under its own name."""
    return {name: ref(f"{path}.{name}") for name in names}


@dataclass(frozen=True, slots=True)
class Undo:
    """What takes back what a step has done. Run too where it is uncertain whether the step did it."""

    task: str
    mapping: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A task to be done."""

    name: str
    task: str
    mapping: Mapping[str, Any]
    undo: Undo | None = None
    when: Condition | None = None
    """Left out where this doesn't hold."""
    timeout_s: int | None = None
    """How long one run of its job may take, where its task would let it take longer."""
    heartbeat_s: int | None = None
    """For how long a run of its job may report no progress."""
    stuck_after_s: int = 900
    """After how long the step counts as stuck."""


@dataclass(frozen=True, slots=True)
class WaitForSignal:
    """A wait for an event that another run, or somebody outside, brings. Its data are this step's result."""

    name: str
    event: str
    when: Condition | None = None
    timeout_s: int = 30 * 86_400
    """After so long nobody is waited for any more, and the step has failed."""

    @property
    def kind(self) -> str:
        """As plans and messages name it."""
        return "signal"


@dataclass(frozen=True, slots=True)
class Approval:
    """A wait for a person's consent. A refusal undoes what was done, and the run ends `aborted`."""

    name: str
    when: Condition | None = None
    timeout_s: int = 30 * 86_400

    @property
    def kind(self) -> str:
        """As plans and messages name it."""
        return "approval"

    @property
    def event(self) -> str:
        """What is waited for; its own for each approval of a saga."""
        return f"{self.name}-{APPROVED}"


AnyStep = Step | WaitForSignal | Approval


@dataclass(frozen=True, slots=True)
class Saga:
    """Steps that are all done, or all undone.

    Args:
        name: kebab case; its file is `infra/sagas/` and the name in snake case.
        input: what a run is started with.
        steps: in order.
        description: a sentence for whoever looks at it.
        stuck_after_s: after how long a run counts as stuck; waits for people and signals don't count.

    Raises:
        SagaDeclarationError: names the step and what is wrong.
    """

    name: str
    input: type[BaseModel]
    steps: Sequence[AnyStep]
    description: str = ""
    stuck_after_s: int = 3600

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            raise SagaDeclarationError(
                f"saga name {self.name!r} must be kebab case, start with a letter and have at most 40 characters"
            )
        if not 0 < len(self.steps) <= MOST_STEPS:
            raise SagaDeclarationError(f"{self.name}: a saga has 1 to {MOST_STEPS} steps, and not {len(self.steps)}")
        for position, step in enumerate(self.steps):
            if not _STEP_NAME.fullmatch(step.name) or step.name in _RESERVED or len(step.name) > _LONGEST_NAME:
                raise SagaDeclarationError(
                    f"{self.name}: step name {step.name!r} must be snake case, at most 40 characters, and none of "
                    f"{sorted(_RESERVED)}"
                )
            if step.name in {earlier.name for earlier in self.steps[:position]}:
                raise SagaDeclarationError(f"{self.name}: two steps are named {step.name!r}; give one another name")

    def facts_of(self, source: str) -> tuple[str, ...]:
        """The fields of a step's result, or of `input`, that conditions look at."""
        found = (found for step in self.steps if step.when for found in step.when.comparisons())
        return tuple(sorted({comparison.field for comparison in found if comparison.source == source}))

    def sources_of(self, mapping: Mapping[str, Any]) -> dict[str, str]:
        """For every step that a mapping refers to: its task, or the event that it waits for as `wait#…`."""
        by_name = {step.name: step for step in self.steps}
        wanted = sorted({found.source for found in refs_of(mapping)} & set(by_name))
        return {name: _where(by_name[name]) for name in wanted}

    def tasks(self) -> Iterator[str]:
        """The tasks that the saga sends work to."""
        for step in self.steps:
            if isinstance(step, Step):
                yield step.task
                if step.undo:
                    yield step.undo.task


def _where(step: AnyStep) -> str:
    return step.task if isinstance(step, Step) else f"wait#{step.event}"
