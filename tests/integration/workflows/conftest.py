"""A saga of the tasks of tests/tasks, and what a test needs to play the state machine's part."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from backstay.catalog import Catalog
from backstay.jobs.step import Direction, job_of_step
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.plan import SagaPlan, StepKind, StepPlan
from backstay.workflows.run import RunRecord, RunState, Wait, WaitKind
from backstay.workflows.run_control import RunControl
from backstay.workflows.run_reading import RunReader, RunStanding
from backstay.workflows.run_store import RunStore
from backstay.workflows.starting import Start, Starter
from backstay.workflows.status_events import StatusEvents
from backstay.workflows.waits import Waits
from backstay.workflows.watching import Watcher
from tests.integration.conftest import Machine
from tests.integration.step_functions import Execution, StepFunctions

PLAN = SagaPlan(
    name="publish",
    input_model="obey.task:Order",
    input_schema={"type": "object"},
    facts=("text",),
    steps=(
        StepPlan(name="write", task="obey", undo="obey", facts=("text", "attempt")),
        StepPlan(name="consent", kind=StepKind.APPROVAL, event="consent-approved"),
        StepPlan(name="send", task="obey", undo="obey", stuck_after_s=300),
        StepPlan(name="hear", kind=StepKind.SIGNAL, event="received"),
    ),
    picture="flowchart TD",
)


@dataclass
class House:
    """The parts that sagas are made of, and a state machine that a test plays."""

    machine: Machine
    step_functions: StepFunctions
    sagas: Sagas

    def __post_init__(self) -> None:
        env, clock = self.env, self.machine.clock
        self.runs, self.waits = RunStore(env.workflows_table), Waits(env.workflows_table, clock)
        self.starter, self.control = Starter(env, self.sagas, clock), RunControl(env, self.sagas, clock)
        self.told: list[RunRecord] = []
        self.events = StatusEvents(env, self.sagas, timedelta(days=7), timedelta(days=30), self.told.append, clock)
        self.watcher = Watcher(env, self.sagas, self.events, self.told.append, clock)

    @property
    def env(self) -> Environment:
        return self.machine.env

    def start(self, tenant: str = "acme", key: str = "k", **work: Any) -> RunRecord:
        """Start a run, and let Step Functions tell so."""
        record = self.starter.start(Start("publish", tenant, input=work, key=key)).record
        self.tell(record.id, "RUNNING")
        return self.run(record.id)

    def run(self, run_id: str) -> RunRecord:
        """A run's record, which must be there."""
        record = self.runs.get(run_id)
        assert record is not None
        return record

    def read(self, run_id: str) -> RunStanding:
        """A run with its steps."""
        return RunReader(self.env, self.sagas, self.machine.clock).read(self.run(run_id))

    def do(self, run_id: str, step: str, mapping: dict[str, Any], direction: str = "do", **more: Any) -> str:
        """Enter a step's state and let its job be worked off; answers the job's id."""
        execution = self.run(run_id).execution
        token = f"{run_id}-{step}-{direction}-{execution}"
        message = self.step_functions.message(
            run_id, step, "obey", mapping, direction=direction, execution=execution, token=token, **more
        )
        self.machine.send_raw("obey", message)
        self.machine.deliver("obey")
        return job_of_step(run_id, step, "obey", Direction(direction))

    def wait(self, run_id: str, step: str = "consent", *, entered: int = 1, timeout_s: int | None = None) -> str:
        """Enter the state of a step that waits; answers its token."""
        plan = next(one for one in PLAN.steps if one.name == step)
        token = f"{run_id}-{step}-{entered}"
        self.step_functions.waiting.add(token)
        assert plan.event is not None
        self.waits.enter(run_id, self.wait_of(run_id, step, entered=entered, timeout_s=timeout_s), token)
        return token

    def wait_of(self, run_id: str, step: str, *, entered: int = 1, timeout_s: int | None = None) -> Wait:
        plan = next(one for one in PLAN.steps if one.name == step)
        assert plan.event is not None
        now = self.machine.clock()
        return Wait(
            step=step,
            event=plan.event,
            kind=WaitKind(str(plan.kind)),
            execution=self.run(run_id).execution,
            entered_at=f"2026-11-25T08:00:{entered:02d}.000Z",
            until=now + timedelta(seconds=timeout_s) if timeout_s else None,
        )

    def tell(self, run_id: str, status: str, error: str | None = None, cause: str | None = None, **more: Any) -> None:
        """Let an execution come into a status, and tell of it as EventBridge does."""
        execution = self.execution(run_id, more.pop("execution", None))
        execution.status, execution.error, execution.cause = status, error, cause
        execution.stopped_at = None if status == "RUNNING" else self.machine.clock()
        self.events.take(self.status_event(execution))

    def status_event(self, execution: Execution) -> dict[str, Any]:
        """The detail of a status event."""
        stopped_at = execution.stopped_at
        return {
            "executionArn": execution.arn,
            "stateMachineArn": f"{self.env.state_machine_arn_prefix}publish",
            "name": execution.name,
            "status": execution.status,
            "startDate": 1_700_000_000_000,
            "stopDate": round(stopped_at.timestamp() * 1000) if stopped_at else None,
            "error": execution.error,
            "cause": execution.cause,
        }

    def execution(self, run_id: str, number: int | None = None) -> Execution:
        """A run's newest execution, or another."""
        return self.step_functions.executions[f"{run_id}-{number or self.run(run_id).execution}"]

    def end(self, run_id: str, end: RunState, cause: str = '{"Error":"rejected","Cause":"no"}') -> RunRecord:
        """Let a run's execution end so."""
        if end is RunState.COMPLETED:
            self.tell(run_id, "SUCCEEDED")
        else:
            self.tell(run_id, "FAILED", str(end), cause)
        return self.run(run_id)


@pytest.fixture
def house(machine: Machine, catalog: Catalog, step_functions: StepFunctions) -> House:
    """A house with one saga."""
    catalog.get("obey")  # the input's model is importable from now on
    return House(machine, step_functions, Sagas((PLAN,)))
