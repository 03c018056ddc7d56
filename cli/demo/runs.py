"""Sample runs of sagas: how each is started, what is done to it, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import Field

from backstay.jobs import keys
from cli.api import Api, Refused
from cli.demo.scenarios import Part, read_as
from cli.demo.sender import script_model
from cli.local.state import LocalCloud
from cli.run_views import RunView

WAITS_FOR_APPROVAL = "waiting_for_approval"


class RunExpectation(Part):
    """How a run must end. What isn't named isn't looked at."""

    state: Literal["completed", "compensated", "compensation_failed", "failed", "aborted"] | None = None
    status: int | None = None
    """The HTTP status of a start that must be refused."""
    undone: tuple[str, ...] | None = None
    """The steps that must be undone, in this order."""
    steps: Mapping[str, str] = {}
    """By step: the state that it must be in."""
    error_class: str | None = None
    answer: str | None = None
    """A text that must stand in what the first step answered."""


class RunScenario(Part):
    """One run."""

    name: str
    input: dict[str, Any]
    options: dict[str, Any] = Field(default={})
    """What else stands in the request: idempotency_key, tenant, pre_approved."""
    inbox: str | None = None
    """Told to the receiver by PUT, for this run only: such as `/campaigns/deliver?fail=1&status=410`."""
    model: list[dict[str, Any]] = Field(default=[])
    """What the model server must do first, as in `POST /_llmock/scenario`; it behaves well otherwise."""
    then: Literal["approve", "reject", "abort"] | None = None
    """What a person does once the run waits for approval."""
    expect: RunExpectation


class Runs(Part):
    """The sample runs of one saga. They run one after another: what the model server is told holds for one of them."""

    saga: str
    scenarios: list[RunScenario] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """Where a sample run stands."""

    saga: str
    scenario: RunScenario
    run: RunView | None = None
    status: int | None = None
    """The HTTP status that refused it."""
    has_waited: bool = False
    """It was seen waiting for approval."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status is not None or (self.run is not None and self.run.is_over)

    @property
    def end(self) -> str:
        """The end in a word or two."""
        if self.status is not None:
            return f"refused {self.status}"
        return self.run.state if self.run else "started"


def read_runs(folder: Path) -> tuple[Runs, ...]:
    """All sample runs of a folder, one file a saga.

    Raises:
        Problem: a file does not fit; names the part.
    """
    return tuple(read_as(Runs, path) for path in sorted(folder.glob("*.json")))


def judge_run(outcome: RunOutcome) -> tuple[str, ...]:
    """What is other than expected, a line each; nothing when all is as it should be."""
    expect, run = outcome.scenario.expect, outcome.run
    wanted = expect.state or f"refused {expect.status}"
    complaints = [] if outcome.end == wanted else [f"end is {outcome.end}, expected {wanted}"]
    if run is None:
        return tuple(complaints)
    if outcome.scenario.then and not outcome.has_waited:
        complaints.append("it never waited for approval")
    if expect.undone is not None and run.undone != expect.undone:
        complaints.append(f"undone are {list(run.undone)}, expected {list(expect.undone)}")
    if expect.error_class and run.error_class != expect.error_class:
        complaints.append(f"error class is {run.error_class}, expected {expect.error_class}")
    states = {step.name: step.state for step in run.steps}
    for name, state in expect.steps.items():
        if states.get(name) != state:
            complaints.append(f"step {name} is {states.get(name)}, expected {state}")
    if expect.answer and expect.answer not in json.dumps(run.steps[0].output, ensure_ascii=False):
        complaints.append(f"the answer doesn't hold {expect.answer!r}")
    return tuple(complaints)


class Runner:
    """Starts runs through the API, does what a person would do, and looks after what came of them."""

    def __init__(self, cloud: LocalCloud, api: Api) -> None:
        self._cloud, self._api = cloud, api
        self._ids: dict[str, str] = {}

    def start(self, saga: str, scenario: RunScenario) -> RunOutcome:
        """Start one run."""
        options = {"idempotency_key": keys.fresh_key(), **scenario.options}
        tenant = str(options.get("tenant", keys.DEFAULT_TENANT))
        run_id = keys.job_id(tenant, f"saga:{saga}", str(options["idempotency_key"]))
        if scenario.inbox:
            told = f"{self._cloud.inbox_url}{scenario.inbox}&holding={run_id}"
            httpx.put(told, timeout=10, trust_env=False).raise_for_status()
        script_model(self._cloud, scenario.model)
        try:
            document = self._api.post(f"/api/sagas/{saga}/runs", {"input": scenario.input, **options})
        except Refused as refused:
            return RunOutcome(saga, scenario, status=refused.status)
        self._ids[scenario.name] = document["id"]
        return RunOutcome(saga, scenario)

    def look(self, outcome: RunOutcome) -> RunOutcome:
        """The same run as it stands now, after what a person does about it."""
        if outcome.is_over:
            return outcome
        run = RunView.of(self._api.get(f"/api/runs/{self._ids[outcome.scenario.name]}"))
        if run.state == WAITS_FOR_APPROVAL and outcome.scenario.then and not outcome.has_waited:
            self._api.post(f"/api/runs/{run.id}/{outcome.scenario.then}")
            return replace(outcome, run=run, has_waited=True)
        return replace(outcome, run=run)
