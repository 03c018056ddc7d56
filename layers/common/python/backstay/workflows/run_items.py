"""A run's record as the attributes of its item, with the index keys that follow from it."""

from collections.abc import Mapping
from typing import Any

from backstay.clock import epoch_ms, from_epoch_ms, from_iso, iso
from backstay.jobs import keys
from backstay.workflows.run import Mode, RunRecord, RunState, Stuck, Wait, WaitKind

RUN_PART = "run"

_PLAIN = (
    "saga", "key", "input_digest", "version", "execution", "confirmed", "error", "cause", "key_id", "redrives",
    "redrive_of", "redriven_as", "plan",
)  # fmt: skip
_TIMES = ("changed_at", "begun_at", "ended_at")


def state_partition(saga: str, state: RunState, shard: int) -> str:
    """Partition of the index `by_state`."""
    return keys.state_key(saga, state, shard)


def to_item(record: RunRecord) -> dict[str, Any]:
    """The record as plain attributes; what is None is left out when it is written."""
    shard = keys.shard_of(record.id)
    lapses_at = record.wait.until if record.wait and record.state in _WAITING else None
    return {
        **{name: getattr(record, name) for name in _PLAIN},
        **{name: epoch_ms(value) for name in _TIMES if (value := getattr(record, name)) is not None},
        "id": record.id,
        "part": RUN_PART,
        "state": str(record.state),
        "mode": str(record.mode),
        "started_at": iso(record.started_at),
        "state_key": state_partition(record.saga, record.state, shard),
        # What waits stands where its time is over, as a delayed job stands where it is due.
        "state_at": keys.stamp(lapses_at or record.changed_at, record.id),
        "tenant_key": keys.tenant_key(record.tenant, shard),
        "created_at": keys.stamp(record.started_at, record.id),
        "pre_approved": True if record.pre_approved else None,
        "is_called_off": True if record.is_called_off else None,
        "wait": _of_wait(record.wait) if record.wait else None,
        "stuck": _of_stuck(record.stuck) if record.stuck else None,
        "ttl": epoch_ms(record.expires_at) // 1000 if record.expires_at else None,
    }


def from_item(item: Mapping[str, Any]) -> RunRecord:
    """What `to_item` wrote."""
    ttl = item.get("ttl")
    plain: dict[str, Any] = {name: item[name] for name in _PLAIN if name in item}
    times: dict[str, Any] = {name: from_epoch_ms(item[name]) for name in _TIMES if name in item}
    return RunRecord(
        id=item["id"],
        state=RunState(item["state"]),
        mode=Mode(item["mode"]),
        started_at=from_iso(item["started_at"]),
        pre_approved=item.get("pre_approved", False),
        is_called_off=item.get("is_called_off", False),
        wait=_to_wait(item["wait"]) if "wait" in item else None,
        stuck=_to_stuck(item["stuck"]) if "stuck" in item else None,
        expires_at=from_epoch_ms(ttl * 1000) if ttl else None,
        **plain,
        **times,
    )


_WAITING = frozenset({RunState.WAITING_FOR_APPROVAL, RunState.WAITING_FOR_SIGNAL})


def _of_wait(wait: Wait) -> dict[str, Any]:
    return {
        "step": wait.step,
        "event": wait.event,
        "kind": str(wait.kind),
        "execution": wait.execution,
        "entered_at": wait.entered_at,
        "until": epoch_ms(wait.until) if wait.until else None,
        "is_answered": wait.is_answered,
    }


def _to_wait(attribute: Mapping[str, Any]) -> Wait:
    return Wait(
        step=attribute["step"],
        event=attribute["event"],
        kind=WaitKind(attribute["kind"]),
        execution=attribute["execution"],
        entered_at=attribute["entered_at"],
        until=from_epoch_ms(attribute["until"]) if attribute["until"] else None,
        is_answered=attribute["is_answered"],
    )


def _of_stuck(stuck: Stuck) -> dict[str, Any]:
    return {
        "since": epoch_ms(stuck.since),
        "limit_s": stuck.limit_s,
        "step": stuck.step,
        "is_told": stuck.is_told,
    }


def _to_stuck(attribute: Mapping[str, Any]) -> Stuck:
    return Stuck(
        since=from_epoch_ms(attribute["since"]),
        limit_s=attribute["limit_s"],
        step=attribute["step"],
        is_told=attribute["is_told"],
    )
