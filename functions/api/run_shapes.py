"""Shapes of the routes about sagas and their runs."""

from typing import Annotated, Any, Literal

from pydantic import Field

from .job_shapes import JobFailure
from .shapes import Amount, JsonObject, Moment, Shape, TenantName, example

State = Literal[
    "running",
    "waiting_for_approval",
    "waiting_for_signal",
    "completed",
    "compensated",
    "compensation_failed",
    "failed",
    "aborted",
]


class RunRequest(Shape):
    """What to run a saga with."""

    input: Annotated[JsonObject | None, Field(description="What the saga takes; up to 200 kB.")] = None
    input_ref: Annotated[
        str | None, Field(max_length=200, description="Instead of `input`: what `POST /api/uploads` answered.")
    ] = None
    idempotency_key: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="The same key with the same input is the same run. The header `Idempotency-Key` does the same.",
        ),
    ] = None
    tenant: Annotated[
        TenantName | None, Field(description="Who it is for. By default the key's tenant, or `default`.")
    ] = None
    pre_approved: Annotated[
        bool, Field(description="Gives approvals beforehand, where the saga lets that be. Needs the scope `operate`.")
    ] = False

    model_config = example({"input": {"command": "email campaign for students, 20% off"}, "idempotency_key": "spring"})


class Word(Shape):
    """A person's word."""

    reason: Annotated[str, Field(max_length=500, description="For the record, and for whoever reads it.")] = ""


class Awaited(Shape):
    """What a run waits for."""

    step: str
    event: str
    since: Moment
    until: Annotated[Moment | None, Field(description="When the wait is over whoever comes.")]


class StuckShape(Shape):
    """What takes too long."""

    step: Annotated[str | None, Field(description="None where it is the run as a whole.")]
    since: Moment
    limit_s: int


class RunFailure(Shape):
    """What went wrong first."""

    error_class: Annotated[str, Field(serialization_alias="class")]
    message: str


class RunLinks(Shape):
    """Where to go from here; only what is possible now."""

    self: str
    approve: str | None = None
    reject: str | None = None
    abort: str | None = None
    redrive: str | None = None
    redrive_of: Annotated[str | None, Field(description="The run that this one does anew.")] = None
    redriven_as: Annotated[str | None, Field(description="The run that does this one anew.")] = None


class Run(Shape):
    """A run as it stands. Times are UTC."""

    id: str
    saga: str
    tenant: str
    state: State
    idempotency_key: str
    started_at: Moment
    ended_at: Moment | None
    duration_ms: Annotated[int | None, Field(description="From the start, or the last redrive, to the end.")]
    executions: Annotated[int, Field(description="1, and one more with each abort or redrive.")]
    redrives: int
    pre_approved: bool
    waits_for: Awaited | None
    stuck: StuckShape | None
    error: RunFailure | None
    links: RunLinks


class RunUndo(Shape):
    """How the undoing of a step stands."""

    task: str
    job_id: str
    state: str
    attempts: int
    started_at: Moment | None
    finished_at: Moment | None
    cost_usd: Amount | None
    error: JobFailure | None
    job: Annotated[str, Field(description="Where the job is read.")]


class RunStep(Shape):
    """One step."""

    name: str
    kind: Annotated[str, Field(description="`task`, `approval` or `signal`.")]
    task: str | None
    state: Annotated[
        str,
        Field(
            description="Its job's state; without a job `pending` or `skipped`; of a step that waits `waiting`,"
            " `approved`, `rejected`, `received` or `timed_out`."
        ),
    ]
    is_undone: bool
    is_in_doubt: Annotated[
        bool, Field(description="Nobody knows whether it had its effect: it timed out, say, or its worker died.")
    ]
    job_id: str | None
    attempts: int
    started_at: Moment | None
    finished_at: Moment | None
    queue_wait_ms: int | None
    run_ms: int | None
    cost_usd: Amount | None
    output: Annotated[Any, Field(description="What came of it, up to 100 kB.")]
    output_link: Annotated[str | None, Field(description="Reads a larger output.")]
    error: JobFailure | None
    answered_by: Annotated[str | None, Field(description="Key or run that gave what a step waited for.")]
    undo: RunUndo | None
    job: Annotated[str | None, Field(description="Where the job is read.")]


class SharedShape(Shape):
    """What other runs have shared with this one."""

    version: int
    state: JsonObject


class StandingEffect(Shape):
    """What a run has done that is not taken back."""

    step: str
    why: Annotated[
        Literal["undo_failed", "in_doubt"],
        Field(description="Its undo failed; or nobody knows whether it had an effect, and it has no undo."),
    ]


class RunDetail(Run):
    """A run with its steps."""

    steps: list[RunStep]
    undone: Annotated[list[str], Field(description="Steps that are taken back, in the order of their undoing.")]
    standing: Annotated[
        list[StandingEffect],
        Field(description="Of a run that failed or was called off: steps whose effect stands, or may."),
    ]
    cost_usd: Annotated[Amount, Field(description="Of all jobs, those that undo included.")]
    picture: Annotated[str | None, Field(description="The saga as the run was started with it, in Mermaid.")]
    saga_has_changed: Annotated[bool, Field(description="Since the run was started; a redrive goes by today's.")]
    shared: SharedShape


class RunPage(Shape):
    """Some runs, newest first."""

    runs: list[Run]
    cursor: Annotated[str | None, Field(description="Leads to the next page; none, no next page.")]


class SagaStep(Shape):
    """One step of a saga."""

    name: str
    kind: str
    task: str | None
    undo: Annotated[str | None, Field(description="The task that takes it back.")]
    event: Annotated[str | None, Field(description="What it waits for.")]


class SagaShape(Shape):
    """A saga."""

    name: str
    description: str
    picture: Annotated[str, Field(description="Mermaid text.")]
    steps: list[SagaStep]
    input_schema: JsonObject


class SagaList(Shape):
    """All that are deployed."""

    sagas: list[SagaShape]


class SagaStatistics(Shape):
    """One saga's runs, over all time; those that have expired stay counted."""

    saga: str
    started: int
    running: Annotated[int, Field(description="Not over yet, those that wait included.")]
    completed: int
    failed: Annotated[int, Field(description="Ended compensated, compensation_failed or failed.")]
    ends: Annotated[dict[str, int], Field(description="By the state that they ended in.")]
    error_rate: Annotated[float | None, Field(description="Failed ones of those that completed or failed, 0 to 1.")]
    average_duration_s: float | None
    p95_duration_s: Annotated[float | None, Field(description="To about a tenth.")]
    stuck: Annotated[int, Field(description="Now.")]


class Workflows(Shape):
    """Every saga's."""

    workflows: list[SagaStatistics]
