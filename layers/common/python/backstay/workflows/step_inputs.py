"""Works out the input of a step's job: reads what its mapping refers to, and nothing else."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from backstay import aws
from backstay.dynamodb import decode_item, encode_item
from backstay.jobs.message import StepMessage
from backstay.jobs.payloads import MissingPayloadError, unpack
from backstay.jobs.record import JobRecord
from backstay.jobs.results import Results
from backstay.jobs.step import WAIT, Direction
from backstay.jobs.step_admission import UnresolvedError
from backstay.settings import Environment
from backstay.workflows.mapping import UnresolvedRefError, refs_of, resolve
from backstay.workflows.run_inputs import RunInputs

_RUN_PART = "run"
_OF_THE_RECORD = frozenset({"started_at"})


class StepInputsOfRuns:
    """Reads runs and the results of their steps."""

    def __init__(self, env: Environment) -> None:
        self._table = env.workflows_table
        self._run_inputs, self._results = RunInputs(env), Results(env)

    def resolve(self, message: StepMessage, answered: Mapping[str, JobRecord]) -> Mapping[str, Any]:
        """The input that a message's mapping amounts to.

        Args:
            message: with the mapping.
            answered: the jobs that it refers to, by step, as far as they are on record.

        Raises:
            UnresolvedError: it refers to what is not there.
        """
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for ref in refs_of(message.mapping):
            wanted[ref.source].add(ref.path)
        is_undo = message.step.direction is Direction.UNDO
        try:
            documents = {source: self._load(source, paths, message, answered) for source, paths in wanted.items()}
            known = {source: document for source, document in documents.items() if document is not None}
            return resolve(message.mapping, known, leave_out=is_undo)
        except (UnresolvedRefError, MissingPayloadError) as error:
            raise UnresolvedError(str(error)) from error

    def _load(self, source: str, paths: set[str], message: StepMessage, answered: Mapping[str, JobRecord]) -> Any:
        """A document that references lead into, or None where there is none."""
        run_id = message.step.run_id
        match source:
            case "input":
                return self._run_inputs.get(run_id)
            case "run":
                return self._run(message, {path.partition(".")[2] for path in paths})
        where = message.sources.get(source, "")
        return self._event(run_id, where) if where.startswith(WAIT) else self._answer(answered.get(source))

    def _run(self, message: StepMessage, fields: set[str]) -> dict[str, Any]:
        known = {"id": message.step.run_id, "tenant": message.tenant, "saga": message.step.saga}
        record = self._item(message.step.run_id, _RUN_PART) if fields & _OF_THE_RECORD else None
        return {**known, **{name: record[name] for name in _OF_THE_RECORD if record and name in record}}

    def _event(self, run_id: str, part: str) -> Any:
        item = self._item(run_id, part)
        return json.loads(unpack(item["payload"])) if item and "payload" in item else None

    def _answer(self, record: JobRecord | None) -> Any:
        text = self._results.text(record) if record else None
        return None if text is None else json.loads(text)

    def _item(self, run_id: str, part: str) -> dict[str, Any] | None:
        key = encode_item({"id": run_id, "part": part})
        answer = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None
