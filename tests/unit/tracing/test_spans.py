"""Spans: who is whose parent, what went wrong, and how X-Ray is told."""

import json

import pytest

from backstay import aws
from backstay.errors import NotNow
from backstay.tracing.context import TraceContext
from backstay.tracing.export import SPANS_A_LINE, export
from backstay.tracing.sampling import XRAY_VARIABLE
from backstay.tracing.spans import Span, SpanKind, current_context, gathering, span
from backstay.tracing.xray import document_of

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


class XRay:
    """X-Ray, as far as it takes documents."""

    def __init__(self, *, is_down: bool = False) -> None:
        self.calls: list[list[dict[str, object]]] = []
        self._is_down = is_down

    def put_trace_segments(self, TraceSegmentDocuments: list[str]) -> dict[str, object]:  # noqa: N803 - AWS's
        from botocore.exceptions import EndpointConnectionError

        if self._is_down:
            raise EndpointConnectionError(endpoint_url="https://xray")
        self.calls.append([json.loads(document) for document in TraceSegmentDocuments])
        return {"UnprocessedTraceSegments": []}


def made(kind: SpanKind = SpanKind.CONSUMER, **attributes: str) -> Span:
    with gathering(CALLER, "enhance-story") as spans, span("process enhance-story", kind) as opened:
        opened.attributes |= attributes
    return spans[0]


def test_a_span_inside_another_has_it_as_its_parent_and_the_outermost_has_the_caller() -> None:
    with gathering(CALLER, "api") as spans, span("outer", SpanKind.SERVER), span("inner", SpanKind.CLIENT):
        within = current_context()
    inner, outer = spans
    assert outer.parent_id == CALLER.span_id
    assert inner.parent_id == outer.context.span_id
    assert within == inner.context
    assert {inner.context.trace_id, outer.context.trace_id} == {CALLER.trace_id}


def test_nothing_is_gathered_outside_a_trace() -> None:
    with gathering(None, "api") as spans, span("outer", SpanKind.SERVER) as opened:
        opened.attributes["harmless"] = 1
        assert current_context() is None
    assert spans == []


def test_what_was_raised_inside_is_told_by_its_class_and_goes_on() -> None:
    with pytest.raises(NotNow) as raised, gathering(CALLER, "api") as spans, span("call", SpanKind.CLIENT):
        raise NotNow("later")
    assert spans[0].attributes["error.type"] == str(raised.value.failure.error_class)


def test_xray_gets_work_that_was_asked_for_as_a_segment_found_by_its_job() -> None:
    document = document_of(made(**{"backstay.job.id": "default.1", "error.type": "server"}))
    assert document["name"] == "backstay-enhance-story"
    assert document["trace_id"] == "1-4bf92f35-77b34da6a3ce929d0e0e4736"
    assert document["parent_id"] == CALLER.span_id
    assert document["annotations"] == {"job_id": "default.1"}
    assert document["fault"] is True
    assert "type" not in document


def test_xray_gets_a_model_call_as_a_remote_subsegment_named_after_the_provider_with_all_attributes() -> None:
    document = document_of(made(SpanKind.CLIENT, **{"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt"}))
    assert (document["type"], document["namespace"], document["name"]) == ("subsegment", "remote", "openai")
    assert document["metadata"]["otel"]["gen_ai.request.model"] == "gpt"


def test_whatever_nothing_came_before_is_a_segment() -> None:
    with gathering(TraceContext(CALLER.trace_id), "obey") as spans, span("wait obey", SpanKind.INTERNAL):
        pass
    document = document_of(spans[0])
    assert document["name"] == "backstay-obey"
    assert document.keys().isdisjoint({"type", "parent_id"})


def test_no_name_holds_what_xray_refuses() -> None:
    assert document_of(made(SpanKind.CLIENT, **{"server.address": "[::1]?<b>"}))["name"] == "_::1___b_"


def test_spans_go_into_the_log_and_to_xray_where_the_stage_has_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    xray, spans = XRay(), [made() for _ in range(SPANS_A_LINE + 1)]
    monkeypatch.setattr(aws, "xray", lambda: xray)
    caplog.set_level("INFO")
    export(spans[:1])
    assert xray.calls == []
    monkeypatch.setenv(XRAY_VARIABLE, "1")
    export(spans)
    assert [len(call) for call in xray.calls] == [SPANS_A_LINE, 1]
    lines = [vars(record) for record in caplog.records if record.msg == "spans"]
    assert [len(line["spans"]) for line in lines] == [1, SPANS_A_LINE, 1]
    assert {line["trace_id"] for line in lines} == {CALLER.trace_id}
    assert lines[0]["spans"][0]["name"] == "process enhance-story"


def test_work_goes_on_where_xray_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "xray", lambda: XRay(is_down=True))
    monkeypatch.setenv(XRAY_VARIABLE, "1")
    export([made()])


def test_xrays_own_client_knows_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    aws.forget_clients()
    assert callable(aws.xray().put_trace_segments)
    aws.forget_clients()
