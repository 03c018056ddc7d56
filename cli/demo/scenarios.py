"""Sample events: what is sent, how, and where it must end. One file a task in `events/`, read by demo and tests.

{"task": "enhance-story",
 "scenarios": [{"name": "a story", "input": {…}, "expect": {"state": "completed", "source": "model"}}]}
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cli.problems import ExitCode, Problem

Sample = TypeVar("Sample", bound=BaseModel)


class Part(BaseModel):
    """Of a file of samples; what it doesn't know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(Part):
    """How a scenario must end. What isn't named isn't looked at."""

    state: Literal["completed", "failed", "cancelled"] | None = None
    status: int | None = None
    """The HTTP status of a submission that must be refused."""
    same_job_as: str | None = None
    """The scenario that this one must share its job with."""
    dead_letter: bool = False
    """A message that is no job must lie in the dead letter queue."""
    attempts: int | None = None
    source: str | None = None
    """The result's `source`: model, local or rules."""
    answered_by: str | None = None
    """The provider whose answer it was, in the end."""
    failed_over_from: str | None = None
    """The provider that this one stood in for."""
    cached: bool | None = None
    """Whether the answer had been given before, to another job, and was free."""
    error_class: str | None = None
    webhook: bool = False
    """A signed webhook about the job's end must arrive; its callback_url is an address below `{inbox}`."""
    waited_s: float | None = None
    """The job must not have started earlier than so many seconds after it was submitted."""

    @model_validator(mode="after")
    def _says_one_end(self) -> "Expectation":
        if sum((self.state is not None, self.status is not None, self.dead_letter)) != 1:
            raise ValueError("name exactly one of state, status and dead_letter")
        return self


class Scenario(Part):
    """One thing that is sent."""

    name: str
    send: Literal["http", "sqs"] = "http"
    input: dict[str, Any] | None = None
    """In a text of its own, `{inbox}` stands for the embedded cloud's receiver of webhooks."""
    input_of: str | None = None
    """Send what that scenario sends."""
    body: str | None = None
    """The text of a raw SQS message, for messages that are no jobs."""
    options: dict[str, Any] = {}
    """What else stands in the submission: idempotency_key, priority, delay_s, tags, tenant, callback_url. In a text,
    `{inbox}` stands for the embedded cloud's receiver of webhooks."""
    model: list[dict[str, Any]] = []
    """What the model server must do first, as in `POST /_llmock/scenario`; such a scenario runs alone."""
    after: str | None = None
    """The scenario that must be over before this one is sent, which then runs alone."""
    then: Literal["cancel", "redrive"] | None = None
    """What is done to the job: cancelled once it is accepted, or redriven once it has failed for good."""
    expect: Expectation

    @property
    def is_scripted(self) -> bool:
        """Whether the model server must misbehave for it."""
        return bool(self.model)

    @property
    def runs_alone(self) -> bool:
        """Whether nothing else may be under way meanwhile."""
        return self.is_scripted or self.after is not None

    @model_validator(mode="after")
    def _brings_one_thing(self) -> "Scenario":
        if sum(part is not None for part in (self.input, self.input_of, self.body)) != 1:
            raise ValueError("name exactly one of input, input_of and body")
        if self.body is not None and self.send != "sqs":
            raise ValueError('body needs "send": "sqs"')
        return self


class Events(Part):
    """The sample events of one task."""

    task: str
    scenarios: list[Scenario] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_what_is_there(self) -> "Events":
        seen: set[str] = set()
        for scenario in self.scenarios:
            for other in (scenario.input_of, scenario.after, scenario.expect.same_job_as):
                if other is not None and other not in seen:
                    raise ValueError(f"{scenario.name!r} refers to {other!r}, which no scenario before it is called")
            if scenario.name in seen:
                raise ValueError(f"two scenarios are called {scenario.name!r}")
            seen.add(scenario.name)
        return self

    @property
    def entries(self) -> list["Entry"]:
        """Each scenario, with whose it is."""
        return [(self, scenario) for scenario in self.scenarios]

    def input_of(self, scenario: Scenario) -> Mapping[str, Any] | None:
        """What a scenario sends; None for one that sends a text that is no job."""
        if scenario.input_of is None:
            return scenario.input
        return self.input_of(next(other for other in self.scenarios if other.name == scenario.input_of))


Entry = tuple[Events, Scenario]
"""A scenario, and whose it is."""


def groups_of(entries: Sequence[Entry]) -> list[list[Entry]]:
    """What is sent at once: first all scenarios that can be, then the others one by one, in their order."""
    together = [entry for entry in entries if not entry[1].runs_alone]
    return [together, *([entry] for entry in entries if entry[1].runs_alone)]


def read_events(folder: Path) -> tuple[Events, ...]:
    """All sample events of a folder.

    Raises:
        Problem: a file does not fit; names the part.
    """
    return tuple(read_as(Events, path) for path in sorted(folder.glob("*.json")))


def read_as(model: type[Sample], path: Path) -> Sample:
    """One file of samples.

    Raises:
        Problem: it does not fit; names the part.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors(include_url=False)]
        raise Problem(f"{path} does not fit:\n  " + "\n  ".join(lines), "mend it", ExitCode.USAGE) from error
