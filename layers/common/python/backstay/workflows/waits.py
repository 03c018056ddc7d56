"""What runs wait for: a person's word, or another run's event. Whichever comes first, the run hears of it once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backstay import aws
from backstay.clock import Clock, epoch_ms, from_epoch_ms, utc_now
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError
from backstay.jobs.payloads import pack, to_json, unpack
from backstay.jobs.task_tokens import send_failure, send_success
from backstay.workflows.run import RunRecord, Wait, WaitKind
from backstay.workflows.run_store import RunStore

WAIT_PARTS, EVENT_PARTS = "wait#", "event#"
"""Parts of a run: what it waits for by event, with the answer; and every event that came, by event and sender."""


class Verdict(StrEnum):
    """How a wait ends."""

    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"


class AlreadyAnsweredError(BackstayError):
    """Somebody else has answered otherwise; the text says how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run has waited for."""

    verdict: Verdict
    payload: Mapping[str, Any]
    """Becomes the result of the step that waited."""
    at: datetime
    by: str | None = None
    """The API key of the person, or the run that sent the event."""
    why: str = ""

    @property
    def is_consent(self) -> bool:
        """Whether the run goes on."""
        return self.verdict is not Verdict.REJECTED

    def attributes(self) -> dict[str, Any]:
        """As it stands in the item of the wait."""
        return {
            "verdict": str(self.verdict),
            "payload": pack(to_json(self.payload)),
            "answered_at": epoch_ms(self.at),
            "answered_by": self.by,
            "why": self.why or None,
        }


class Waits:
    """The waits of runs.

    Args:
        table: the workflows table.
        clock: UTC.
        ask: tells people that a run waits for their word.
    """

    def __init__(
        self, table: str, clock: Clock = utc_now, ask: Callable[[RunRecord, Wait], None] = lambda _run, _wait: None
    ) -> None:
        self._table, self._clock, self._ask = table, clock, ask
        self._runs = RunStore(table)

    def enter(self, run_id: str, wait: Wait, token: str) -> None:
        """A step waits from now on, and goes on at once where the answer is there already. Harmless when repeated."""
        dynamodb = aws.dynamodb()
        fields = {
            "token": token,
            "execution": wait.execution,
            "entered_at": wait.entered_at,
            "step": wait.step,
            "kind": str(wait.kind),
            "until": epoch_ms(wait.until) if wait.until else None,
        }
        condition = (
            "attribute_not_exists(entered_at) OR #execution < :execution"
            " OR (#execution = :execution AND entered_at <= :entered_at)"
        )
        try:
            item = self._set(run_id, wait.event, fields, condition)
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return  # a later stay in the same state waits by now
        if answer_in(item):
            self._release(run_id, item)
            return
        record = self._runs.change(run_id, lambda record: record.waits(wait, self._clock()))
        if record and wait.kind is WaitKind.APPROVAL and wait == record.wait:
            self._ask(record, wait)  # again where this is repeated: asked twice is better than never

    def answer(self, run_id: str, event: str, answer: Answer) -> bool:
        """Give the answer; answers whether a step waited for it just now. The same answer again is harmless.

        Raises:
            AlreadyAnsweredError: another answer was given before.
        """
        dynamodb = aws.dynamodb()
        try:
            item = self._set(run_id, event, answer.attributes(), "attribute_not_exists(verdict)")
        except dynamodb.exceptions.ConditionalCheckFailedException as error:
            item = decode_item(error.response["Item"])  # type: ignore[typeddict-item]
            given = answer_in(item)
            if given and given.verdict is not answer.verdict:
                raise AlreadyAnsweredError(
                    f"{event!r} of run {run_id} was {given.verdict} before, by {given.by or 'somebody'}"
                ) from error
        return self._release(run_id, item)

    def release(self, run_id: str, event: str) -> bool:
        """Let a step that waits for what has come go on; answers whether one did."""
        item = self._runs.get_part(run_id, WAIT_PARTS + event)
        return self._release(run_id, item) if item and answer_in(item) else False

    def _release(self, run_id: str, item: Mapping[str, Any]) -> bool:
        wait, answer = wait_in(item), answer_in(item)
        if wait is None or answer is None:
            return False
        # The record first: where the telling fails, whoever answered is told so and answers again.
        self._runs.change(run_id, lambda record: record.answered(wait, self._clock(), is_consent=answer.is_consent))
        if answer.is_consent:
            return send_success(item["token"], {"event": wait.event, "facts": {}})
        return send_failure(item["token"], str(answer.verdict), f"by {answer.by}: {answer.why or 'no reason given'}")

    def _set(self, run_id: str, event: str, fields: Mapping[str, Any], condition: str) -> dict[str, Any]:
        """Write some attributes; answers the whole item."""
        given = {name: value for name, value in fields.items() if value is not None}
        names = {f"#{name}": name for name in given}
        values = {f":{name}": value for name, value in given.items()}
        answer = aws.dynamodb().update_item(
            TableName=self._table,
            Key=encode_item({"id": run_id, "part": WAIT_PARTS + event}),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in given),
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=encode_item(values),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return decode_item(answer["Attributes"])


def wait_in(item: Mapping[str, Any] | None) -> Wait | None:
    """Who waits, by the item of a wait; None while nobody has."""
    if not item or "token" not in item:
        return None
    return Wait(
        step=item["step"],
        event=item["part"].removeprefix(WAIT_PARTS),
        kind=WaitKind(item["kind"]),
        execution=item["execution"],
        entered_at=item["entered_at"],
        until=from_epoch_ms(item["until"]) if "until" in item else None,
    )


def answer_in(item: Mapping[str, Any] | None) -> Answer | None:
    """What has come, by the item of a wait; None while nothing has."""
    if not item or "verdict" not in item:
        return None
    return Answer(
        verdict=Verdict(item["verdict"]),
        payload=json.loads(unpack(item["payload"])),
        at=from_epoch_ms(item["answered_at"]),
        by=item.get("answered_by"),
        why=item.get("why", ""),
    )


def is_waiting(record: RunRecord, now: datetime, kind: WaitKind) -> bool:
    """Whether a run waits for a person, or for a signal, at a moment."""
    wait = record.wait
    return bool(wait and wait.kind is kind and not wait.is_answered and record.state_at(now) is record.state) and not (
        record.state.is_end
    )
