"""What the API says of a saga's run, as the command uses it. One place that knows the names of the API's fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ENDS = frozenset({"completed", "compensated", "compensation_failed", "failed", "aborted"})
WAITS = frozenset({"waiting_for_approval", "waiting_for_signal"})


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a run."""

    name: str
    kind: str
    """`task`, `approval` or `signal`."""
    task: str | None
    state: str
    attempts: int
    job_id: str | None
    run_ms: float | None
    cost_usd: Decimal | None
    output: Any
    undo_state: str | None
    """How its undoing stands; None where nothing of it is to be undone."""
    is_undone: bool
    is_in_doubt: bool
    """Nobody knows whether it had its effect."""
    error_class: str | None
    error_message: str | None
    answered_by: str | None
    """Who gave what a step waited for."""
    undo_error: str | None
    """Why its undoing failed."""

    @property
    def why(self) -> str:
        """The shortest true answer to why the step is where it is."""
        if self.undo_error:
            return f"undo {self.undo_error}"
        if self.error_class:
            return _failure(self.error_class, self.error_message)
        if not self.answered_by:
            return ""
        reason = self.output.get("why") if self.kind == "approval" and isinstance(self.output, Mapping) else None
        return f"by {self.answered_by}" + (f": {reason}" if reason else "")

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "StepView":
        """Read a step as the API answers it."""
        error: Mapping[str, Any] = document.get("error") or {}
        undo: Mapping[str, Any] = document.get("undo") or {}
        undo_error: Mapping[str, Any] = undo.get("error") or {}
        return cls(
            name=document["name"],
            kind=document.get("kind") or "task",
            task=document.get("task"),
            state=document["state"],
            attempts=document.get("attempts") or 0,
            job_id=document.get("job_id"),
            run_ms=document.get("run_ms"),
            cost_usd=_money(document.get("cost_usd")),
            output=document.get("output"),
            undo_state=undo.get("state"),
            is_undone=bool(document.get("is_undone")),
            is_in_doubt=bool(document.get("is_in_doubt")),
            error_class=error.get("class"),
            error_message=error.get("message"),
            answered_by=document.get("answered_by"),
            undo_error=_failure(undo_error["class"], undo_error.get("message")) if undo_error else None,
        )


@dataclass(frozen=True, slots=True)
class RunView:
    """One run. Times are ISO 8601 text in UTC, as they came."""

    id: str
    saga: str
    tenant: str
    state: str
    started_at: str
    duration_ms: float | None
    waits_for: str | None
    """The event that it waits for, or for a person's approval the step that does."""
    error_class: str | None
    error_message: str | None
    steps: tuple[StepView, ...]
    """Empty where the run was listed with others."""
    undone: tuple[str, ...]
    """Names of steps, in the order of their undoing."""
    standing: Mapping[str, str]
    """Steps whose effect was not taken back, or may not have been, and why."""
    stuck: str | None
    """What of it takes longer than it should."""
    saga_has_changed: bool
    """Whether its saga is another one by now."""
    redriven_as: str | None
    """The run that does this one anew."""
    cost_usd: Decimal | None

    @property
    def is_over(self) -> bool:
        """Whether the run is in a state that it leaves only by redrive."""
        return self.state in ENDS

    @property
    def why(self) -> str:
        """The shortest true answer to why the run is where it is."""
        if self.error_class:
            return _failure(self.error_class, self.error_message)
        return f"waits for {self.waits_for}" if self.waits_for else ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "RunView":
        """Read a run as the API answers it."""
        error: Mapping[str, Any] = document.get("error") or {}
        waits_for: Mapping[str, Any] = document.get("waits_for") or {}
        return cls(
            id=document["id"],
            saga=document["saga"],
            tenant=document["tenant"],
            state=document["state"],
            started_at=document["started_at"],
            duration_ms=document.get("duration_ms"),
            waits_for=waits_for.get("step" if document["state"] == "waiting_for_approval" else "event"),
            error_class=error.get("class"),
            error_message=error.get("message"),
            steps=tuple(map(StepView.of, document.get("steps") or ())),
            undone=tuple(document.get("undone") or ()),
            standing={effect["step"]: effect["why"] for effect in document.get("standing") or ()},
            stuck=_stuck(document["stuck"]) if document.get("stuck") else None,
            saga_has_changed=bool(document.get("saga_has_changed")),
            redriven_as=_id_of(document.get("links") or {}, "redriven_as"),
            cost_usd=_money(document.get("cost_usd")),
        )


def _stuck(document: Mapping[str, Any]) -> str:
    what = f"step {document['step']}" if document["step"] else "the run"
    return f"{what} has taken longer than {document['limit_s']} s"


def _failure(error_class: str, message: str | None) -> str:
    return f"{error_class}: {message or ''}".rstrip(": ")


def _id_of(links: Mapping[str, Any], name: str) -> str | None:
    path: str | None = links.get(name)
    return path.rpartition("/")[2] if path else None


def _money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
