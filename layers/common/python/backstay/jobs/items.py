"""A job's record as the attributes of its item, with the index keys that follow from it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from backstay.clock import epoch_ms, from_epoch_ms
from backstay.errors import ErrorClass, Failure
from backstay.jobs import keys
from backstay.jobs import step as steps
from backstay.jobs.payloads import pack, unpack
from backstay.jobs.record import FailedAttempt, JobRecord, Payload, State
from backstay.receipt import Call, FailedRoute, Receipt

STATE_PART = "state"


_TIMES = ("due_at", "lease_until", "claimed_at", "started_at", "finished_at", "resent_at")
_PLAIN = (
    "version", "priority", "generation", "fence", "attempts", "excused", "waits", "company", "reason", "progress",
    "note", "preview", "callback_url", "key_id", "lane", "lane_number", "resends", "key",
    "input_digest", "budget", "trace",
)  # fmt: skip
_DEFAULTS: Mapping[str, Any] = {
    "version": 1, "priority": "normal", "generation": 0, "fence": 0, "attempts": 0, "excused": 0, "waits": 0,
    "company": 1, "resends": 0,
}  # fmt: skip
_RARE: Mapping[str, Any] = {
    "operation": "", "quantity": None, "cache_write_tokens": 0, "cache_write_1h_tokens": 0, "reasoning_tokens": 0,
    "service": "", "saved_usd": Decimal(0),
}  # fmt: skip
"""What few calls have."""
_AMOUNTS = ("quantity", "saved_usd")


def to_item(record: JobRecord) -> dict[str, Any]:
    """The record as plain attributes, with the index keys that follow from it; what has its default is left out."""
    item: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(record, name)) != _DEFAULTS.get(name)}
    item |= {name: epoch_ms(value) for name in _TIMES if (value := getattr(record, name)) is not None}
    shard = keys.shard_of(record.id)
    indexed_at = record.due_at if record.state is State.DELAYED and record.due_at else record.changed_at
    item |= {
        "id": record.id,
        "part": STATE_PART,
        "task": record.task,
        "state": str(record.state),
        "state_key": keys.state_key(record.task, record.state, shard),
        "state_at": keys.stamp(indexed_at, record.id),
        "changed_at": epoch_ms(record.changed_at),
        "tenant_key": keys.tenant_key(record.tenant, shard),
        "created_at": keys.stamp(record.created_at, record.id),
        **({"budget_key": keys.budget_key(record.budget, shard)} if record.budget else {}),
    }
    if record.failures:
        item["failures"] = [[f.attempt, epoch_ms(f.at), str(f.error_class), f.message] for f in record.failures]
    if record.error:
        item["error"] = [str(record.error.error_class), record.error.message]
    if record.result:
        item["result"] = _payload_item(record.result)
    if record.receipt and record.receipt.calls:
        item["receipt"] = [_call_item(call) for call in record.receipt.calls]
    if record.cancel_requested:
        item["cancel_requested"] = True
    if record.tags:
        item["tags"] = list(record.tags)
    if record.uncertain:
        item["uncertain"] = True
    if record.step:
        item["step"] = steps.to_attribute(record.step)
    if record.expires_at:
        item["ttl"] = epoch_ms(record.expires_at) // 1000
    return item


def from_item(item: Mapping[str, Any]) -> JobRecord:
    """The record from plain attributes."""
    times: dict[str, Any] = {name: from_epoch_ms(item[name]) for name in _TIMES if name in item}
    plain: dict[str, Any] = {name: item[name] for name in _PLAIN if name in item}
    error = item.get("error")
    return JobRecord(
        id=item["id"],
        task=item["task"],
        state=State(item["state"]),
        created_at=datetime.fromisoformat(keys.moment_of_stamp(item["created_at"])),
        changed_at=from_epoch_ms(item["changed_at"]),
        failures=tuple(
            FailedAttempt(attempt, from_epoch_ms(at), ErrorClass(kind), message)
            for attempt, at, kind, message in item.get("failures", ())
        ),
        error=Failure(ErrorClass(error[0]), error[1]) if error else None,
        result=_payload(item["result"]) if "result" in item else None,
        receipt=Receipt(calls_from_item(item["receipt"])) if "receipt" in item else None,
        cancel_requested=bool(item.get("cancel_requested")),
        tags=tuple(item.get("tags", ())),
        uncertain=bool(item.get("uncertain")),
        step=steps.from_attribute(item["step"]) if "step" in item else None,
        expires_at=from_epoch_ms(int(item["ttl"]) * 1000) if "ttl" in item else None,
        **times,
        **plain,
    )


def calls_from_item(receipt: Iterable[list[Any]]) -> tuple[Call, ...]:
    """The calls of a receipt from the plain value of its attribute."""
    return tuple(_call(entry) for entry in receipt)


def _payload_item(payload: Payload) -> dict[str, Any]:
    inline = pack(payload.inline) if payload.inline else payload.inline
    return {"inline": inline, "s3": payload.s3_key, "size": payload.size}


def _payload(item: Mapping[str, Any]) -> Payload:
    inline = item.get("inline")
    return Payload(inline=unpack(inline) if inline else inline, s3_key=item.get("s3"), size=item.get("size", 0))


def _call_item(call: Call) -> list[Any]:
    cost = None if call.cost_usd is None else str(call.cost_usd)
    tokens = [call.input_tokens, call.output_tokens, call.cached_tokens]
    marks = [call.price_version, call.replayed, call.cached]
    failed = [[one.route, one.error_class] for one in call.failed_over_from]
    rare = {name: value for name, default in _RARE.items() if (value := getattr(call, name)) != default}
    seldom = [call.reservation, failed, rare]
    while seldom and not seldom[-1]:
        seldom.pop()
    return [call.provider, call.model, *tokens, call.latency_ms, cost, *marks, *seldom]


def _call(entry: list[Any]) -> Call:
    provider, model, input_tokens, output_tokens, cached, latency_ms, cost, price_version, replayed, *later = entry
    return Call(
        provider=provider,
        model=model,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=cached,
        latency_ms=latency_ms,
        cost_usd=None if cost is None else Decimal(cost),
        price_version=price_version,
        replayed=replayed,
        cached=bool(later and later[0]),  # receipts from before there was a cache end earlier
        reservation=later[1] if later[1:] else "",
        failed_over_from=tuple(FailedRoute(*one) for one in later[2]) if later[2:] else (),
        **_rare(later[3] if later[3:] else {}),
    )


def _rare(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Decimal(value) if name in _AMOUNTS else value for name, value in entry.items()}
