"""The Task declaration: the one thing that a task author imports."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel

from backstay import llm
from backstay.errors import BackstayError, Failure, NotNow, Rejected
from backstay.llm.complexity import Tier
from backstay.llm.use import CachePolicy, ModelUse
from backstay.running import Cancelled, Job

__all__ = ["Cancelled", "Failure", "Job", "NotNow", "Rejected", "Task", "TaskDeclarationError", "llm"]

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out", bound=BaseModel)

AtLimit = Literal["park", "fail"]
PRIORITIES = ("high", "normal", "low")
USES = frozenset(
    {
        "alerts",
        "announcements",
        "answers",
        "chats",
        "content",
        "dead-letters",
        "idempotency",
        "jobs",
        "llm",
        "outbound-http",
        "outbound-secrets",
        "parked-jobs",
        "tenant-data",
        "webhook-secrets",
        "workflows",
    }
)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 40  # queue names end at 80 characters and add prefix, stage and priority
_LONGEST_TIMEOUT_S = 840  # a Lambda ends at 900 s, and a worker needs a margin to hand back


class TaskDeclarationError(BackstayError):
    """A task is declared in a way that can't work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A task's numbers; each with the default that its `Task` gives."""

    timeout: int
    max_attempts: int
    backoff: float
    concurrency: int
    give_up_after: int
    memory_mb: int
    at_budget_limit: AtLimit = "park"

    @property
    def batch_size(self) -> int:
        """Messages that one worker takes at once (spec: jobs, retrying and keeping)."""
        return min(10, max(1, self.concurrency // 2))

    @property
    def max_workers(self) -> int:
        """Event source maximum concurrency of each of the task's queues; AWS takes no less than 2."""
        return max(2, self.concurrency // self.batch_size)

    @property
    def function_timeout_s(self) -> int:
        """The Lambda's timeout: the job's, and what a worker needs to start, record and hand back."""
        return self.timeout + 15

    @property
    def lease_s(self) -> int:
        """How long a claim holds, equal to the queue's visibility: function timeout, batch window and 30 s."""
        return self.function_timeout_s + BATCH_WINDOW_S + 30


BATCH_WINDOW_S = 1
"""How long the event source gathers messages for one batch, in seconds."""


class Task(Generic[In, Out]):
    """A kind of work, declared once.

    Args:
        name: kebab case; its folder is `functions/` and the name in snake case.
        input: what a job brings; anything else is refused where it is submitted.
        output: what a job's result is.
        timeout: seconds that one run may take, 1 to 840.
        max_attempts: how often the job's own failures are tried again. Outages, limits and budgets cost none.
        backoff: seconds before the first retry; doubled for each that follows, with full jitter, to 15 minutes.
        concurrency: jobs at once for each of the task's queues.
        priorities: whether the task has a queue each for high, normal and low.
        ordered_by: a field of the input; jobs that share its value run one at a time, in the order of submission.
        give_up_after: seconds that a job waits for the world (outage, limit, budget) before it fails.
        at_budget_limit: what becomes of a job that a hard limit of money refuses: `park` until it may pass, or `fail`.
        memory_mb: the Lambda's memory.
        uses: what the function may reach beyond its own queue and the jobs table; becomes its role's grants.
        version: of the input model. Messages carry it, and `@task.upgrade` mends older ones.
        routes: where its model calls go, `provider/model` in order; by default those of backstay.toml.
        tiers: routes for prompts of one complexity, by `low`, `medium` and `high`; a tier left out takes `routes`.
        cache: how answers of models may be used again (`llm.CachePolicy`); False: every question is asked.

    Raises:
        TaskDeclarationError: names the argument, its value and what it may be.
    """

    def __init__(
        self,
        name: str,
        *,
        input: type[In],  # noqa: A002 - the word that task authors use
        output: type[Out],
        timeout: int = 60,
        max_attempts: int = 3,
        backoff: float = 2,
        concurrency: int = 20,
        priorities: bool = False,
        ordered_by: str | None = None,
        give_up_after: int = 86_400,
        at_budget_limit: AtLimit = "park",
        memory_mb: int = 512,
        uses: tuple[str, ...] = (),
        version: int = 1,
        routes: Sequence[str] = (),
        tiers: Mapping[str, Sequence[str]] | None = None,
        cache: CachePolicy | bool = True,
    ) -> None:
        self.name, self.input, self.output = name, input, output
        self.limits = Limits(timeout, max_attempts, backoff, concurrency, give_up_after, memory_mb, at_budget_limit)
        self.has_priorities, self.ordered_by, self.uses, self.version = priorities, ordered_by, uses, version
        self.model_use = self._model_use(routes, tiers or {}, cache)
        self._run: Callable[[In, Job], Out] | None = None
        self._preview: Callable[[In], BaseModel] | None = None
        self._key: Callable[[In], str] | None = None
        self._upgrade: Callable[[dict[str, Any], int], dict[str, Any]] | None = None
        self._fallback: Callable[[In, Failure], Out | None] | None = None
        self._check()

    def run(self, function: Callable[[In, Job], Out]) -> Callable[[In, Job], Out]:
        """The task's function: plain, synchronous, callable in a unit test with no AWS at all."""
        self._run = function
        return function

    def preview(self, function: Callable[[In], BaseModel]) -> Callable[[In], BaseModel]:
        """Something to show at once: pure and fast, no network; stands in the answer to the submit."""
        self._preview = function
        return function

    def key(self, function: Callable[[In], str]) -> Callable[[In], str]:
        """The task's natural key: two inputs with one key are one job, when the caller gives no key."""
        self._key = function
        return function

    def upgrade(
        self, function: Callable[[dict[str, Any], int], dict[str, Any]]
    ) -> Callable[[dict[str, Any], int], dict[str, Any]]:
        """Turns an input of an older version into today's, so that a deploy strands nothing that is queued."""
        self._upgrade = function
        return function

    def fallback(self, function: Callable[[In, Failure], Out | None]) -> Callable[[In, Failure], Out | None]:
        """What the job completes with instead of failing for good; None where it has to fail."""
        self._fallback = function
        return function

    def perform(self, work: In, job: Job) -> Out:
        """Run the task's function.

        Raises:
            TaskDeclarationError: the task has no function.
        """
        if self._run is None:
            raise TaskDeclarationError(f"task {self.name!r} has no function: decorate one with @task.run")
        return self._run(work, job)

    def preview_of(self, work: In) -> BaseModel | None:
        """The preview, or None where the task declares none."""
        return self._preview(work) if self._preview else None

    def natural_key(self, work: In) -> str | None:
        """The task's own key for this input, or None where it declares none."""
        return self._key(work) if self._key else None

    def fall_back(self, work: In, failure: Failure) -> Out | None:
        """The result to complete with although the job failed for good, or None where the task declares none."""
        return self._fallback(work, failure) if self._fallback else None

    def read_input(self, raw: Mapping[str, Any], version: int | None = None) -> In:
        """The input model from what a message or a request brought.

        Raises:
            pydantic.ValidationError: the input does not fit the model.
        """
        data = dict(raw)
        if version is not None and version < self.version and self._upgrade:
            data = self._upgrade(data, version)
        return self.input.model_validate(data)

    def queue_names(self) -> tuple[str, ...]:
        """The task's queues, without prefix and stage: one, or one a priority."""
        return tuple(f"{self.name}-{p}" for p in PRIORITIES) if self.has_priorities else (self.name,)

    def queue_name(self, priority: str) -> str:
        """The queue that a job of this priority goes to. Without priorities the priority has no effect."""
        return f"{self.name}-{priority}" if self.has_priorities else self.name

    def lane_of(self, work: In) -> str | None:
        """The value that orders this job among its task's, or None for a task without order."""
        return str(getattr(work, self.ordered_by)) if self.ordered_by else None

    def _model_use(
        self, routes: Sequence[str], tiers: Mapping[str, Sequence[str]], cache: "CachePolicy | bool"
    ) -> ModelUse:
        if unknown := sorted(set(tiers) - set(Tier)):
            raise TaskDeclarationError(f"{self.name}: tiers={unknown} are unknown; choose from {[*map(str, Tier)]}")
        policy = CachePolicy() if cache is True else cache or None
        return ModelUse(tuple(routes), {Tier(tier): tuple(named) for tier, named in tiers.items()}, policy)

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            raise TaskDeclarationError(
                f"task name {self.name!r} must be kebab case, start with a letter and have at most 40 characters"
            )
        if not 1 <= self.limits.timeout <= _LONGEST_TIMEOUT_S:
            raise TaskDeclarationError(f"{self.name}: timeout={self.limits.timeout} must be 1 to 840 seconds")
        if self.limits.max_attempts < 1:
            raise TaskDeclarationError(f"{self.name}: max_attempts={self.limits.max_attempts} must be at least 1")
        if self.limits.at_budget_limit not in get_args(AtLimit):
            raise TaskDeclarationError(
                f"{self.name}: at_budget_limit={self.limits.at_budget_limit!r} is unknown; choose from "
                f"{list(get_args(AtLimit))}"
            )
        if self.limits.concurrency < 1:
            raise TaskDeclarationError(f"{self.name}: concurrency={self.limits.concurrency} must be at least 1")
        if unknown := sorted(set(self.uses) - USES):
            raise TaskDeclarationError(f"{self.name}: uses={unknown} is unknown; choose from {sorted(USES)}")
        if self.ordered_by and self.ordered_by not in self.input.model_fields:
            raise TaskDeclarationError(
                f"{self.name}: ordered_by={self.ordered_by!r} is no field of {self.input.__name__}; "
                f"it has {sorted(self.input.model_fields)}"
            )
