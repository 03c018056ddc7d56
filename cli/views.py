"""What the API says of a job, as the command uses it. One place that knows the names of the API's fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

TERMINAL = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class CallView:
    """One line of a job's receipt."""

    provider: str
    is_free: bool
    """Nobody was asked: it came from the cache, or from what an earlier attempt had paid for."""
    is_cached: bool
    failed_over_from: tuple[str, ...]
    """The providers that it stands in for."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "CallView":
        """Read a call as the API answers it."""
        return cls(
            provider=document["provider"],
            is_free=document["cached"] or document["replayed"],
            is_cached=document["cached"],
            failed_over_from=tuple(one["route"].partition("/")[0] for one in document["failed_over_from"]),
        )


@dataclass(frozen=True, slots=True)
class JobView:
    """One job. Times are ISO 8601 text in UTC, as they came."""

    id: str
    task: str
    tenant: str
    state: str
    attempts: int
    redrives: int
    created_at: str
    queue_wait_ms: float | None
    run_ms: float | None
    progress: int | None
    note: str | None
    result: Any
    error_class: str | None
    error_message: str | None
    reason: str | None
    cost_usd: Decimal | None
    calls: tuple[CallView, ...]
    """Of models, in their order."""

    @property
    def is_over(self) -> bool:
        """Whether the job is in a state that it leaves only by redrive."""
        return self.state in TERMINAL

    @property
    def why(self) -> str:
        """The shortest true answer to why the job is where it is."""
        if self.error_class:
            return f"{self.error_class}: {self.error_message or ''}".rstrip(": ")
        return self.reason or self.note or ""

    @property
    def source(self) -> str:
        """Where the result came from, for tasks that say so."""
        return str(self.result.get("source", "")) if isinstance(self.result, Mapping) else ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "JobView":
        """Read a job as the API answers it."""
        error: Mapping[str, Any] = document.get("error") or {}
        progress: Mapping[str, Any] = document.get("progress") or {}
        receipt: Mapping[str, Any] = document.get("receipt") or {}
        cost = receipt.get("cost_usd")
        return cls(
            id=document["id"],
            task=document["task"],
            tenant=document["tenant"],
            state=document["state"],
            attempts=document.get("attempts") or 0,
            redrives=document.get("redrives") or 0,
            created_at=document["created_at"],
            queue_wait_ms=document.get("queue_wait_ms"),
            run_ms=document.get("run_ms"),
            progress=progress.get("percent"),
            note=progress.get("note"),
            result=document.get("result"),
            error_class=error.get("class"),
            error_message=error.get("message"),
            reason=document.get("reason"),
            cost_usd=None if cost is None else Decimal(str(cost)),
            calls=tuple(CallView.of(call) for call in receipt.get("calls", ())),
        )
