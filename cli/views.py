"""What the API says of a job, as the command uses it. One place that knows the names of the API's fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

TERMINAL = frozenset({"completed", "failed", "cancelled"})


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
        )
