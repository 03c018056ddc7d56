"""What one run may do to another: share state, send an event, hand over resources, tell that it has ended.

Each is one transaction, together with a mark of the source's step: done twice, it is done once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backstay.clock import Clock, epoch_ms, utc_now
from backstay.errors import BackstayError
from backstay.jobs import keys
from backstay.jobs.payloads import pack, to_json
from backstay.transactions import Transactions, UnmetError, Write
from backstay.workflows.catalog import Sagas
from backstay.workflows.kept_plans import KeptPlans
from backstay.workflows.plan import StepKind
from backstay.workflows.resources import resource_key
from backstay.workflows.run_items import RUN_PART
from backstay.workflows.run_store import RunStore
from backstay.workflows.shared_state import SHARED_PART, shared_in
from backstay.workflows.waits import EVENT_PARTS, WAIT_PARTS, Answer, Verdict, Waits

COMPLETION_EVENT = "completion"
"""The event that a completion signal is; a run may wait for it as for any other."""

MOST_RESOURCES = 48
"""Each is deleted here and put there, in one transaction of a hundred writes."""

LARGEST_PAYLOAD_BYTES = 300_000
"""As it is stored; an item ends at 400 kB."""

_MARK_PARTS = "coordination#"
_MOST_ROUNDS = 20
_GOES_ON = "attribute_exists(id) AND attribute_not_exists(ended_at)"
_SOURCE, _TARGET, _MARK = range(3)  # places of the writes that every coordination has


class CoordinationError(BackstayError):
    """It can't be done, and nothing was done; the text says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who coordinates."""

    run_id: str
    step: str


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is to be done in one transaction, and what comes of it."""

    result: Mapping[str, Any]
    writes: Sequence[Write] = ()
    refusals: Mapping[int, str] = field(default_factory=dict)
    """By place among `writes`: what it means that the condition isn't met. None: look again."""


class Coordinator:
    """Coordinates runs of one tenant.

    Args:
        table: the workflows table.
        sagas: those that are deployed.
        clock: UTC.
    """

    def __init__(self, table: str, sagas: Sagas, clock: Clock = utc_now) -> None:
        self._plans, self._clock = KeptPlans(table, sagas), clock
        self._runs, self._waits, self._transactions = RunStore(table), Waits(table, clock), Transactions(table)

    def sync_state(
        self, source: Source, target: str, state: Mapping[str, Any], expected: int | None = None
    ) -> Mapping[str, Any]:
        """Merge properties into what the target shares.

        Args:
            source: who asks.
            target: the run.
            state: properties; objects are merged into those that are there, anything else replaces.
            expected: the version that the target's shared state must have; None: whichever it has.

        Returns:
            The names of the properties, as `synced`, and the new `version`.

        Raises:
            CoordinationError: nothing was done.
        """

        def plan() -> _Deed:
            shared = shared_in(self._runs.get_part(target, SHARED_PART))
            if expected not in (None, shared.version):
                raise CoordinationError(
                    f"the shared state of run {target} has version {shared.version}, not {expected}; nothing was merged"
                )
            merged = shared.with_merged(state)
            _check_size("the shared state", merged.properties)
            put = self._transactions.put(
                merged.item(target), "attribute_not_exists(id) OR version = :was", {":was": shared.version}
            )
            return _Deed({"synced": sorted(state), "version": merged.version}, [put])

        request = {"type": "state_sync", "target": target, "state": state, "expected": expected}
        return self._do(source, target, request, plan)

    def send_event(self, source: Source, target: str, event: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep an event for the target; if it waits for that, it goes on. The first event of a name is what it hears.

        Returns:
            The `event`, and as `delivered` whether a step waited for it.

        Raises:
            CoordinationError: nothing was done.
        """
        self._check_event(target, event)
        _check_size("the payload", payload)
        answer = Answer(Verdict.RECEIVED, payload, self._clock(), source.run_id)
        kept = {
            "id": target,
            "part": f"{EVENT_PARTS}{event}#{source.run_id}#{source.step}",
            "payload": pack(to_json(payload)),
            "at": epoch_ms(answer.at),
        }
        given = {name: value for name, value in answer.attributes().items() if value is not None}

        def plan() -> _Deed:
            writes = [
                self._transactions.put(kept),
                self._transactions.set_if_absent(target, WAIT_PARTS + event, given),
            ]
            return _Deed({"event": event}, writes)

        result = self._do(source, target, {"type": "event", "target": target, "event": event, "payload": payload}, plan)
        # Outside the transaction, and again where this is repeated: who waits is told as often as it takes.
        return {**result, "delivered": self._waits.release(target, event)}

    def hand_over(self, source: Source, target: str, names: Sequence[str]) -> Mapping[str, Any]:
        """Let the target own resources instead of the source: all of them or none.

        Returns:
            The names, as `resources`.

        Raises:
            CoordinationError: the source doesn't own one of them, or the target owns one of that name; nothing moved.
        """
        wanted = sorted(set(names))
        if len(wanted) > MOST_RESOURCES:
            raise CoordinationError(f"{len(wanted)} resources are too many at once; hand over {MOST_RESOURCES} at most")

        def plan() -> _Deed:
            parts = {name: resource_key(source.run_id, name)["part"] for name in wanted}
            owned = self._runs.get_parts(source.run_id, resource_key(source.run_id, "")["part"], _after_resources())
            if missing := [name for name in wanted if parts[name] not in owned]:
                raise CoordinationError(
                    f"run {source.run_id} doesn't own {', '.join(missing)}; nothing was handed over"
                )
            leave = [self._transactions.delete_existing(source.run_id, parts[name]) for name in wanted]
            come = [
                self._transactions.put(
                    {**owned[parts[name]], "id": target, "ttl": None}, condition="attribute_not_exists(id)"
                )
                for name in wanted
            ]
            taken = {
                len(leave) + place: f"run {target} owns a resource {name!r} already; nothing was handed over"
                for place, name in enumerate(wanted)
            }
            return _Deed({"resources": wanted}, [*leave, *come], taken)

        return self._do(source, target, {"type": "handoff", "target": target, "resources": wanted}, plan)

    def signal_completion(self, source: Source, target: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tell the target that the source is done, with its data: an event of the name `completion`.

        Raises:
            CoordinationError: nothing was done.
        """
        run = self._runs.get(source.run_id)
        payload = {"run_id": source.run_id, "saga": run.saga if run else None, "data": data}
        return self.send_event(source, target, COMPLETION_EVENT, payload)

    def _do(
        self, source: Source, target: str, request: Mapping[str, Any], plan: Callable[[], _Deed]
    ) -> Mapping[str, Any]:
        """Do it once, whatever others do meanwhile."""
        self._check_names(source, target)
        digest = keys.digest_of(request)
        for _ in range(_MOST_ROUNDS):
            if done := self._done(source, digest):
                return done
            deed = plan()
            try:
                self._transactions.commit([*self._frame(source, target, digest, deed.result), *deed.writes])
            except UnmetError as error:
                self._explain(error, source, target, deed.refusals)
                continue  # others were faster: looked at anew
            return deed.result
        raise CoordinationError(f"others keep changing run {target}; nothing was done")

    def _frame(self, source: Source, target: str, digest: str, result: Mapping[str, Any]) -> list[Write]:
        """What every coordination writes or checks."""
        mark = {
            "id": source.run_id,
            "part": _MARK_PARTS + source.step,
            "digest": digest,
            "result": to_json(result),
            "at": epoch_ms(self._clock()),
        }
        return [
            self._transactions.check(source.run_id, RUN_PART, "attribute_exists(id)"),
            self._transactions.check(target, RUN_PART, _GOES_ON),
            self._transactions.put(mark, "attribute_not_exists(id)"),
        ]

    def _done(self, source: Source, digest: str) -> Mapping[str, Any] | None:
        """What came of it before; None where this is the first time."""
        mark = self._runs.get_part(source.run_id, _MARK_PARTS + source.step)
        if mark is None:
            return None
        if mark["digest"] != digest:
            raise CoordinationError(f"step {source.step!r} of run {source.run_id} has coordinated otherwise before")
        result: Mapping[str, Any] = json.loads(mark["result"])
        return result

    def _explain(self, error: UnmetError, source: Source, target: str, refusals: Mapping[int, str]) -> None:
        """Say why it can't be done; says nothing where another look may help.

        Raises:
            CoordinationError: it can't.
        """
        places = error.items
        if _MARK in places:
            return
        if _SOURCE in places:
            raise CoordinationError(f"there is no run {source.run_id!r}; it may be past its retention") from error
        if _TARGET in places:
            ended = places[_TARGET].get("state")
            if ended is None:
                raise CoordinationError(_unknown(target)) from error
            raise CoordinationError(f"run {target} has ended: it is {ended}") from error
        for place, meaning in refusals.items():
            if place + _MARK + 1 in places:
                raise CoordinationError(meaning) from error

    def _check_names(self, source: Source, target: str) -> None:
        if not keys.is_job_id(target) or keys.tenant_of(target) != keys.tenant_of(source.run_id):
            raise CoordinationError(_unknown(target))
        if target == source.run_id:
            raise CoordinationError(f"run {target} can't coordinate with itself; name another")

    def _check_event(self, target: str, event: str) -> None:
        """Consent is given by people who may, and by no run."""
        record = self._runs.get(target) if keys.is_job_id(target) else None
        plan = self._plans.of(record) if record else None
        step = plan.waiting_step(event) if plan else None
        if step and step.kind is StepKind.APPROVAL:
            raise CoordinationError(f"{event!r} is an approval; a person gives it: POST /api/runs/{target}/approve")


def _unknown(target: str) -> str:
    return f"there is no run {target[:100]!r}; it may be past its retention"


def _after_resources() -> str:
    return f"{resource_key('', '')['part']}~"


def _check_size(what: str, document: Mapping[str, Any]) -> None:
    stored = pack(to_json(document))
    size = len(stored if isinstance(stored, bytes) else stored.encode())
    if size > LARGEST_PAYLOAD_BYTES:
        raise CoordinationError(f"{what} would have {size} bytes and may have {LARGEST_PAYLOAD_BYTES}; send less")
