"""Shapes of the routes about jobs."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from backstay.jobs.record import State
from backstay.jobs.step import Direction

from .problems import Problem
from .shapes import Amount, JsonObject, Moment, Shape, TenantName, example

Priority = Literal["high", "normal", "low"]
LONGEST_DELAY_S = 366 * 86_400

_EXAMPLE = {
    "task": "enhance-story",
    "input": {
        "id": "story-1",
        "title": "A revolutionary chip",
        "content": "It changes everything, its makers say.",
        "sector_tag": "hardware",
        "impact_tags": ["privacy"],
    },
    "tags": ["newsroom"],
}


class JobRequest(Shape):
    """Work to be done."""

    task: Annotated[str, Field(max_length=100, description="A declared task's name.")]
    input: Annotated[
        JsonObject | None, Field(description="What the task takes; up to 200 kB. Its schema stands under `x-tasks`.")
    ] = None
    input_ref: Annotated[
        str | None, Field(max_length=200, description="Instead of `input`: what `POST /api/uploads` answered.")
    ] = None
    idempotency_key: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="The same key with the same input is the same job. Without one, the task's natural key or a"
            " fresh one. The header `Idempotency-Key` does the same.",
        ),
    ] = None
    priority: Annotated[
        Priority, Field(description="For tasks that declare priorities; elsewhere it has no effect.")
    ] = "normal"
    delay_s: Annotated[
        int | None, Field(ge=0, le=LONGEST_DELAY_S, description="Seconds to wait before the job may start.")
    ] = None
    run_at: Annotated[AwareDatetime | None, Field(description="Or the time before which it may not; up to a year.")] = (
        None
    )
    tenant: Annotated[
        TenantName | None, Field(description="Who the work is for. By default the key's tenant, or `default`.")
    ] = None
    callback_url: Annotated[
        str | None,
        Field(
            max_length=2048,
            description="Is sent a signed webhook (Standard Webhooks) when the job is over. The key needs a webhook"
            " secret.",
        ),
    ] = None
    tags: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=64)], ...],
        Field(max_length=10, description="For cost reports."),
    ] = ()

    model_config = example(_EXAMPLE)


class JobBatchRequest(Shape):
    """Up to 100 pieces of work, each answered on its own."""

    jobs: Annotated[list[Any], Field(min_length=1, max_length=100, description="Each as for `POST /api/jobs`.")]

    model_config = example({"jobs": [_EXAMPLE]})


class JobFailure(Shape):
    """Why a job failed for good."""

    error_class: Annotated[str, Field(serialization_alias="class", description="Class of the failure.")]
    message: str


class FailedRun(Shape):
    """One attempt, or wait for the world, that did not succeed."""

    attempt: int
    at: Moment
    error_class: Annotated[str, Field(serialization_alias="class")]
    message: str


class Progress(Shape):
    """How far the work is."""

    percent: Annotated[int, Field(ge=0, le=100)]
    note: str


class FailedRouteShape(Shape):
    """A route that gave no answer of use."""

    route: str
    error_class: str


class ModelCall(Shape):
    """One answered call: of a model, or of another provider's operation."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    latency_ms: int
    cost_usd: Annotated[Amount | None, Field(description="None while nobody has priced the model.")]
    price_version: str
    replayed: Annotated[bool, Field(description="Answered from what an earlier attempt had paid for.")]
    cached: Annotated[bool, Field(description="Answered from the cache, for nothing.")]
    failed_over_from: Annotated[list[FailedRouteShape], Field(description="Whom it stands in for.")]
    operation: Annotated[str | None, Field(description="Of a provider that has no models.")]
    quantity: Annotated[Amount | None, Field(description="Of the operation's units.")]
    cache_write_tokens: Annotated[int, Field(description="Of the input, written into the provider's cache.")]
    cache_write_1h_tokens: Annotated[int, Field(description="Of these, for an hour.")]
    reasoning_tokens: Annotated[int, Field(description="Of the output, not shown.")]
    service: Annotated[str | None, Field(description="batch, flex or priority; none is the usual class.")]
    saved_usd: Annotated[Amount, Field(description="What the cached answer had cost.")]


class JobReceipt(Shape):
    """What a job cost."""

    cost_usd: Amount
    calls: list[ModelCall]


class JobStep(Shape):
    """The step of a saga's run that the job is for."""

    run_id: str
    saga: str
    name: str
    direction: Annotated[Direction, Field(description="Done, undone, or settled: called off and found out about.")]


class Links(Shape):
    """Where to go from here; only what is possible now."""

    self: str
    cancel: str | None = None
    retry: str | None = None


class Job(Shape):
    """A job as it stands. Times are UTC."""

    id: str
    task: str
    tenant: str
    state: State
    priority: str
    idempotency_key: str
    created_at: Moment
    due_at: Annotated[Moment | None, Field(description="When a delayed or retried job may start.")]
    started_at: Annotated[Moment | None, Field(description="When it was first claimed.")]
    finished_at: Moment | None
    queue_wait_ms: int | None
    run_ms: Annotated[int | None, Field(description="Of the last attempt.")]
    attempts: int
    redrives: Annotated[int, Field(description="How often the job was retried after it had failed for good.")]
    reason: Annotated[str | None, Field(description="Why a job is delayed, or waits anew.")]
    budget: Annotated[str | None, Field(description="The budget that it waits for, such as `tenant:acme daily`.")]
    progress: Progress | None
    cancel_requested: bool
    preview: Annotated[Any, Field(description="What the task can tell at once, where it declares that.")]
    error: JobFailure | None
    failures: Annotated[list[FailedRun], Field(description="The last ten.")]
    receipt: JobReceipt | None
    tags: list[str]
    callback_url: str | None
    step: Annotated[JobStep | None, Field(description="For a saga's job.")]
    trace_id: Annotated[str | None, Field(description="Of the trace that it belongs to, if it is traced.")]
    links: Links


class JobDetail(Job):
    """A job with what it was given and what came of it. What is over 1 MB is a link that works for an hour."""

    input: JsonObject | None
    input_link: str | None
    result: Any
    result_link: str | None


class JobPage(Shape):
    """Some jobs, newest first."""

    jobs: list[Job]
    cursor: Annotated[str | None, Field(description="Leads to the next page; none, no next page.")]


class BatchAnswer(Shape):
    """What became of one job of a batch: the job, or the problem that `POST /api/jobs` would have answered."""

    status: int
    job: Job | None = None
    problem: Problem | None = None


class JobBatch(Shape):
    """The answers in the order of the jobs."""

    answers: list[BatchAnswer]
