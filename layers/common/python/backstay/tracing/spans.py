"""Spans: what was done in a trace, from when to when. Nothing is gathered where there is no trace."""

import contextvars
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from backstay.errors import WorkError
from backstay.tracing.context import TraceContext, fresh_span_id

Attributes = Mapping[str, str | int | float | list[str]]
"""By the names of OpenTelemetry's conventions; our own start with `backstay.`."""

ERROR_TYPE = "error.type"
"""OpenTelemetry's name for the kind of what went wrong; a span with it has failed."""


class SpanKind(StrEnum):
    """OpenTelemetry's kinds of spans."""

    SERVER = "server"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    CLIENT = "client"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Span:
    """One thing that was done. Times are seconds since 1970, UTC."""

    context: TraceContext
    """Itself: its trace, and its own id."""
    parent_id: str | None
    name: str
    kind: SpanKind
    service: str
    """The Lambda's name, without stage."""
    began: float
    ended: float
    attributes: Attributes


@dataclass(slots=True)
class OpenSpan:
    """A span under way; whoever does the work adds to it what it learns."""

    name: str
    attributes: dict[str, str | int | float | list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Gathering:
    context: TraceContext
    service: str
    spans: list[Span]


_current: contextvars.ContextVar[_Gathering | None] = contextvars.ContextVar("current_trace", default=None)


def current_context() -> TraceContext | None:
    """Where in its trace the work stands that is being done; None where it is not traced."""
    gathering = _current.get()
    return gathering.context if gathering else None


@contextmanager
def gathering(context: TraceContext | None, service: str) -> Iterator[list[Span]]:
    """Gather the spans of what is done inside, in the order in which they end; none without a context.

    Args:
        context: what it goes on with.
        service: who does it.
    """
    spans: list[Span] = []
    token = _current.set(_Gathering(context, service, spans) if context else None)
    try:
        yield spans
    finally:
        _current.reset(token)


@contextmanager
def span(name: str, kind: SpanKind) -> Iterator[OpenSpan]:
    """What is done inside is a span of the current trace, and the parent of spans inside."""
    opened, around = OpenSpan(name), _current.get()
    if around is None:
        yield opened
        return
    context, began = TraceContext(around.context.trace_id, fresh_span_id()), time.time()
    token = _current.set(_Gathering(context, around.service, around.spans))
    try:
        yield opened
    except BaseException as error:
        opened.attributes.setdefault(ERROR_TYPE, _type_of(error))
        raise
    finally:
        _current.reset(token)
        around.spans.append(_ended(opened, kind, around, context, began))


def add_span(name: str, began: float, ended: float) -> None:
    """Something that passed before anybody could follow it, such as the wait in a queue."""
    if around := _current.get():
        context = TraceContext(around.context.trace_id, fresh_span_id())
        closed = Span(
            context, around.context.span_id, name, SpanKind.INTERNAL, around.service, began, max(began, ended), {}
        )
        around.spans.append(closed)


def _ended(opened: OpenSpan, kind: SpanKind, around: _Gathering, context: TraceContext, began: float) -> Span:
    return Span(
        context=context,
        parent_id=around.context.span_id,
        name=opened.name,
        kind=kind,
        service=around.service,
        began=began,
        ended=max(began, time.time()),
        attributes=opened.attributes,
    )


def _type_of(error: BaseException) -> str:
    return str(error.failure.error_class) if isinstance(error, WorkError) else type(error).__name__
