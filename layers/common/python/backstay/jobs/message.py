"""What stands in a queue: the message of a job that exists, or a plain one that becomes a job at claim."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backstay.errors import BackstayError
from backstay.jobs import keys
from backstay.jobs.record import JobRecord
from backstay.jobs.step import WAIT, Direction, Step, job_of_step

DEAD_LETTER_FENCE = "fence"
"""Message attribute of a dead letter: the claim that failed for good. One that comes back with it is a redrive."""

DEAD_LETTER_JOB = "job_id"
DEAD_LETTER_REASON = "reason"
"""Message attributes of a dead letter; one without a reason was moved by SQS itself."""

DEAD_LETTER_POISON = "poison_id"
"""Message attribute of a dead letter that is no job: the id of what is on record about it."""

_RAW_FIELDS = frozenset(
    {"task", "input", "input_ref", "idempotency_key", "tenant", "priority", "tags", "callback_url", "version"}
)


class NotAJobError(BackstayError):
    """A message that no task could take; the text says why."""


@dataclass(frozen=True, slots=True)
class JobMessage:
    """Points to a job. Carries its small input, so that the worker needn't read it."""

    task: str
    job_id: str
    input: Mapping[str, Any] | None = None
    version: int = 1

    def body(self) -> str:
        """As it is sent. In ASCII: SQS refuses U+FFFE and U+FFFF as they are, and takes them escaped."""
        body: dict[str, Any] = {"task": self.task, "job_id": self.job_id, "version": self.version}
        if self.input is not None:
            body["input"] = self.input
        return json.dumps(body, separators=(",", ":"), default=str)


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A plain `{"task", "input", …}` that somebody sent straight to the queue."""

    task: str
    input: Mapping[str, Any] | None
    input_ref: str | None
    idempotency_key: str
    tenant: str
    priority: str
    tags: tuple[str, ...]
    callback_url: str | None
    version: int


@dataclass(frozen=True, slots=True)
class StepMessage:
    """What the state machine of a saga sends for one of its steps, made by `infra/state_machine.py`."""

    task: str
    tenant: str
    idempotency_key: str
    mapping: Mapping[str, Any]
    """From which the input follows, once what it refers to is read (`workflows/mapping.py`)."""
    sources: Mapping[str, str]
    """The task of every step that the mapping refers to, or where else its output is kept."""
    step: Step

    @property
    def job_id(self) -> str:
        """The id of the step's job."""
        return keys.job_id(self.tenant, self.task, self.idempotency_key)

    @property
    def jobs_referred_to(self) -> Mapping[str, str]:
        """The ids of the jobs whose results the mapping refers to, by their steps."""
        tasks = {name: task for name, task in self.sources.items() if not task.startswith(WAIT)}
        return {name: job_of_step(self.step.run_id, name, task) for name, task in tasks.items()}


def write(record: JobRecord, work: Mapping[str, Any] | None) -> str:
    """The body of a job's message."""
    return JobMessage(record.task, record.id, work, record.version).body()


def read(body: str, message_id: str, task: str, version: int = 1) -> JobMessage | RawMessage | StepMessage:
    """Understand a message's body.

    Args:
        body: as it came.
        message_id: SQS's, the key of a plain message that brings none.
        task: whose queue it came from.
        version: of the input, when the message names none.

    Raises:
        NotAJobError: says what is wrong with which part.
    """
    document = _document(body)
    if (named := document.get("task")) != task:
        raise NotAJobError(f"'task' is {named!r}, but this is the queue of {task!r}")
    work = document.get("input")
    if work is not None and not isinstance(work, dict):
        raise NotAJobError(f"'input' must be a JSON object, not {type(work).__name__}")
    sent_version = _whole_number(document, "version", version)
    if "job_id" in document:
        if not isinstance(document["job_id"], str) or not keys.is_job_id(document["job_id"]):
            raise NotAJobError(f"'job_id' is {document['job_id']!r}, which no job can have")
        return JobMessage(task, document["job_id"], work, sent_version)
    if "step" in document:
        return _of_step(document, task)
    return _raw(document, message_id, task, work, sent_version)


def _raw(document: dict[str, Any], message_id: str, task: str, work: dict[str, Any] | None, version: int) -> RawMessage:
    if unknown := sorted(set(document) - _RAW_FIELDS):
        raise NotAJobError(f"unknown fields {unknown}; a message may have {sorted(_RAW_FIELDS)}")
    input_ref = _text(document, "input_ref")
    if (work is None) == (input_ref is None):
        raise NotAJobError("a message needs either 'input' or 'input_ref'")
    tags = document.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise NotAJobError("'tags' must be a list of strings")
    tenant = _text(document, "tenant") or keys.DEFAULT_TENANT
    try:
        keys.check_tenant(tenant)
    except keys.InvalidTenantError as error:
        raise NotAJobError(str(error)) from error
    return RawMessage(
        task=task,
        input=work,
        input_ref=input_ref,
        idempotency_key=_text(document, "idempotency_key") or message_id,
        tenant=tenant,
        priority=_text(document, "priority") or "normal",
        tags=tuple(tags),
        callback_url=_text(document, "callback_url"),
        version=version,
    )


def _of_step(document: dict[str, Any], task: str) -> StepMessage:
    step = document["step"]
    try:
        return StepMessage(
            task=task,
            tenant=keys.check_tenant(document["tenant"]),
            idempotency_key=document["idempotency_key"],
            mapping=document["input"],
            sources=step.get("sources", {}),
            step=Step(
                run_id=step["run_id"],
                saga=step["saga"],
                name=step["name"],
                direction=Direction(step["direction"]),
                execution=int(step["execution"]),
                token=step["token"],
                entered_at=step["entered_at"],
                facts=tuple(step.get("facts", ())),
                timeout_s=step.get("timeout_s"),
                heartbeat_s=step.get("heartbeat_s"),
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError, keys.InvalidTenantError) as error:
        raise NotAJobError(f"'step' is not as a saga sends it: {type(error).__name__}: {error}") from error


def _document(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise NotAJobError(f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise NotAJobError(f"the body must be a JSON object, not {type(document).__name__}")
    return document


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise NotAJobError(f"{name!r} must be a string, not {type(value).__name__}")
    return value


def _whole_number(document: Mapping[str, Any], name: str, default: int) -> int:
    value = document.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotAJobError(f"{name!r} must be a whole number, not {value!r}")
    return value
