"""coordinate-workflow: what one run does to another. Sent by a step of a saga, or by a caller that names its run."""

import functools
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from backstay.task import Job, NotNow, Rejected, Task

if TYPE_CHECKING:
    from backstay.workflows.coordination import Coordinator

RunId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Kind = Literal["state_sync", "event_propagation", "resource_handoff", "completion_signal"]

_NEEDED = {"state_sync": "state", "event_propagation": "event", "resource_handoff": "resources"}
_ONLY = {
    "state": {"state_sync"},
    "expected_version": {"state_sync"},
    "event": {"event_propagation"},
    "payload": {"event_propagation"},
    "resources": {"resource_handoff"},
    "data": {"completion_signal"},
}


class Coordination(BaseModel):
    """What is to be done to which run."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: Kind
    target_run_id: RunId
    source_run_id: RunId | None = Field(
        default=None, description="The run that coordinates, where the job is no step of it."
    )
    state: dict[str, Any] | None = Field(default=None, description="state_sync: properties to be merged.")
    expected_version: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="state_sync: the version that the shared state must have; by default any."
    )
    event: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,99}$")] | None = Field(
        default=None, description="event_propagation: its name."
    )
    payload: dict[str, Any] | None = Field(default=None, description="event_propagation: what it brings.")
    resources: Annotated[tuple[Name, ...], Field(min_length=1, max_length=48)] | None = Field(
        default=None, description="resource_handoff: names."
    )
    data: dict[str, Any] | None = Field(default=None, description="completion_signal: what the run has come to.")

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> "Coordination":
        needed = _NEEDED.get(self.type)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"type {self.type!r} needs {needed!r}")
        for name, types in _ONLY.items():
            if getattr(self, name) is not None and self.type not in types:
                raise ValueError(f"type {self.type!r} takes no {name!r}")
        return self


class Coordinated(BaseModel):
    """What came of it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    coordinated: bool
    type: Kind
    source_run_id: str
    target_run_id: str
    result: dict[str, Any]


task = Task(
    name="coordinate-workflow",
    input=Coordination,
    output=Coordinated,
    timeout=30,
    memory_mb=256,
    uses=("workflows",),
)


@task.run
def coordinate(wanted: Coordination, job: Job) -> Coordinated:
    """Do it, once for each step that asks.

    Raises:
        Rejected: it can't be done: the target is unknown or has ended, a resource is not the source's, …
        NotNow: others keep changing the same runs.
    """
    from backstay.jobs.keys import tenant_of
    from backstay.transactions import MetAnotherError
    from backstay.workflows.coordination import CoordinationError, Source

    run_id = job.run_id or wanted.source_run_id
    if run_id is None:
        raise Rejected("the job is no step of a run; name the run that coordinates in 'source_run_id'")
    if tenant_of(run_id) != job.tenant:
        raise Rejected(f"there is no run {run_id!r}; it may be past its retention")
    source = Source(run_id, job.step or f"job {job.id}")
    try:
        result = _do(_coordinator(), source, wanted)
    except CoordinationError as error:
        raise Rejected(str(error)) from error
    except MetAnotherError as error:
        raise NotNow(str(error), retry_after_s=1) from error
    return Coordinated(
        coordinated=True,
        type=wanted.type,
        source_run_id=run_id,
        target_run_id=wanted.target_run_id,
        result=dict(result),
    )


def _do(coordinator: "Coordinator", source: Any, wanted: Coordination) -> Any:
    target = wanted.target_run_id
    match wanted.type:
        case "state_sync":
            return coordinator.sync_state(source, target, wanted.state or {}, wanted.expected_version)
        case "event_propagation":
            return coordinator.send_event(source, target, wanted.event or "", wanted.payload or {})
        case "resource_handoff":
            return coordinator.hand_over(source, target, wanted.resources or ())
        case "completion_signal":
            return coordinator.signal_completion(source, target, wanted.data or {})


@functools.cache
def _coordinator() -> "Coordinator":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from backstay.settings import Environment
    from backstay.workflows.catalog import sagas
    from backstay.workflows.coordination import Coordinator

    return Coordinator(Environment.read().workflows_table, sagas())
