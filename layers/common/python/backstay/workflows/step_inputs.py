"""Works out the input of a step's job: reads what its mapping refers to, and nothing else."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from backstay import aws
from backstay.dynamodb import decode_item, encode_item
from backstay.jobs.message import StepMessage
from backstay.jobs.payloads import MissingPayloadError, unpack
from backstay.jobs.results import Results
from backstay.jobs.step import Direction, job_of_step
from backstay.jobs.step_admission import UnresolvedError
from backstay.jobs.store import JobStore
from backstay.settings import Environment
from backstay.workflows.mapping import UnresolvedRefError, refs_of, resolve
from backstay.workflows.run_inputs import RunInputs

WAIT = "wait#"
"""A source that starts so is no task: it is an event that the run has waited for, kept under this part of the run."""

_RUN_PART = "run"
_OF_THE_RECORD = frozenset({"started_at"})


class StepInputsOfRuns:
    """Reads runs and the results of their steps."""

    def __init__(self, env: Environment) -> None:
        self._table = env.workflows_table
        self._run_inputs, self._results, self._jobs = RunInputs(env), Results(env), JobStore(env.jobs_table)

    def resolve(self, message: StepMessage) -> Mapping[str, Any]:
        """The input that a message's mapping amounts to.

        Raises:
            UnresolvedError: it refers to what is not there.
        """
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for ref in refs_of(message.mapping):
            wanted[ref.source].add(ref.path)
        is_undo = message.step.direction is Direction.UNDO
        try:
            documents = {source: self._load(source, paths, message) for source, paths in wanted.items()}
            known = {source: document for source, document in documents.items() if document is not None}
            return resolve(message.mapping, known, leave_out=is_undo)
        except (UnresolvedRefError, MissingPayloadError) as error:
            raise UnresolvedError(str(error)) from error

    def _load(self, source: str, paths: set[str], message: StepMessage) -> Any:
        """A document that references lead into, or None where there is none."""
        run_id = message.step.run_id
        match source:
            case "input":
                return self._run_inputs.get(run_id)
            case "run":
                return self._run(message, {path.partition(".")[2] for path in paths})
        where = message.sources.get(source, "")
        return self._event(run_id, where) if where.startswith(WAIT) else self._answer(run_id, source, where)

    def _run(self, message: StepMessage, fields: set[str]) -> dict[str, Any]:
        known = {"id": message.step.run_id, "tenant": message.tenant, "saga": message.step.saga}
        record = self._item(message.step.run_id, _RUN_PART) if fields & _OF_THE_RECORD else None
        return {**known, **{name: record[name] for name in _OF_THE_RECORD if record and name in record}}

    def _event(self, run_id: str, part: str) -> Any:
        item = self._item(run_id, part)
        return json.loads(unpack(item["payload"])) if item and "payload" in item else None

    def _answer(self, run_id: str, step: str, task: str) -> Any:
        record = self._jobs.get(job_of_step(run_id, step, task))
        text = self._results.text(record) if record else None
        return None if text is None else json.loads(text)

    def _item(self, run_id: str, part: str) -> dict[str, Any] | None:
        key = encode_item({"id": run_id, "part": part})
        answer = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None
