"""Starting runs: written first, then begun, and idempotent, so that nobody has to guess whether a retry is safe."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError
from backstay.jobs import keys
from backstay.jobs.payloads import PayloadBucket, to_json
from backstay.jobs.submit import FieldError, InvalidInputError, field_errors
from backstay.jobs.uploads import UploadError, read_upload
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.kept_plans import KeptPlans
from backstay.workflows.launching import Launcher
from backstay.workflows.plan import SagaPlan
from backstay.workflows.run import RunRecord, RunState, run_id
from backstay.workflows.run_inputs import RunInputs
from backstay.workflows.run_store import RunStore

_INPUT_KEPT = timedelta(days=366 + 30)
"""A run may wait for a year, and be looked into afterwards; once it is over, its own expiry counts."""


class RunKeyConflictError(BackstayError):
    """The key belongs to a run that was started with something else."""

    def __init__(self, a_run_id: str, key: str) -> None:
        super().__init__(f"key {key!r} belongs to run {a_run_id}, which was started otherwise; use another key")
        self.run_id = a_run_id


@dataclass(frozen=True, slots=True)
class Start:
    """What a caller wants to run."""

    saga: str
    tenant: str
    input: Mapping[str, Any] | None = None
    input_ref: str | None = None
    """Instead of `input`: what `POST /api/uploads` answered."""
    key: str | None = None
    pre_approved: bool = False
    """Whether approvals that the saga lets go are given beforehand."""
    key_id: str | None = None
    redrive_of: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """A run, and whether it is a new one."""

    record: RunRecord
    created: bool


class Starter:
    """Starts runs."""

    def __init__(self, env: Environment, sagas: Sagas, clock: Clock = utc_now) -> None:
        self._sagas, self._clock = sagas, clock
        self._runs, self._inputs = RunStore(env.workflows_table), RunInputs(env)
        self._bucket, self._launcher = PayloadBucket(env.payloads_bucket), Launcher(env, sagas, clock)
        self._plans = KeptPlans(env.workflows_table, sagas)

    def start(self, wanted: Start) -> Started:
        """Start a run, or find the one that the same key has started.

        Raises:
            UnknownSagaError: lists the sagas that there are.
            InvalidInputError: names the fields at fault.
            RunKeyConflictError: the key belongs to a run with another input.
        """
        plan = self._sagas.get(wanted.saga)
        document = self._document(wanted)
        check_input(plan, document)
        now, text = self._clock(), to_json(document)
        record = _new_record(wanted, document, plan, now)
        self._plans.keep(plan)
        beside = self._inputs.item(record.id, text, record.input_digest, now + _INPUT_KEPT)
        existing = self._runs.create(record, beside)
        if existing and not _is_the_same(existing, record):
            raise RunKeyConflictError(existing.id, existing.key)
        standing = existing or record
        if standing.execution == 1 and not standing.confirmed and not standing.state.is_end:
            self._launcher.launch(standing)  # an earlier start may have died before it came to this
        return Started(standing, created=existing is None)

    def _document(self, wanted: Start) -> Mapping[str, Any]:
        if wanted.input is not None:
            return wanted.input
        if wanted.input_ref is None:
            raise InvalidInputError(wanted.saga, (FieldError("input", "give either 'input' or 'input_ref'"),))
        try:
            return read_upload(self._bucket, wanted.tenant, wanted.input_ref)
        except UploadError as error:
            at_fault = FieldError("input_ref", str(error), wanted.input_ref)
            raise InvalidInputError(wanted.saga, (at_fault,)) from error


def check_input(plan: SagaPlan, document: Mapping[str, Any]) -> None:
    """See to it that a saga can run with an input.

    Raises:
        InvalidInputError: names the fields at fault.
    """
    module, _, name = plan.input_model.partition(":")
    model: type[BaseModel] = getattr(importlib.import_module(module), name)
    try:
        model.model_validate(document)
    except ValidationError as error:
        raise InvalidInputError(plan.name, field_errors(error, "input")) from error


def _new_record(wanted: Start, document: Mapping[str, Any], plan: SagaPlan, now: datetime) -> RunRecord:
    key = wanted.key or keys.fresh_key()
    return RunRecord(
        id=run_id(wanted.tenant, wanted.saga, key),
        saga=wanted.saga,
        state=RunState.RUNNING,
        key=key,
        input_digest=keys.digest_of(document),
        started_at=now,
        changed_at=now,
        begun_at=now,
        pre_approved=wanted.pre_approved,
        key_id=wanted.key_id,
        plan=plan.version,
        redrive_of=wanted.redrive_of,
    )


def _is_the_same(existing: RunRecord, wanted: RunRecord) -> bool:
    return (existing.input_digest, existing.pre_approved) == (wanted.input_digest, wanted.pre_approved)
