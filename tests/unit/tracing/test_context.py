"""Places in traces, as others write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.tracing.context import TraceContext, begun, of_traceparent, of_xray_header

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
hexadecimal = "0123456789abcdef"
contexts = st.builds(
    TraceContext,
    st.text(hexadecimal, min_size=32, max_size=32).filter(lambda text: int(text, 16)),
    st.none() | st.text(hexadecimal, min_size=16, max_size=16).filter(lambda text: int(text, 16)),
)


@given(contexts)
def test_what_a_record_keeps_and_what_aws_hands_on_reads_back_as_it_was(context: TraceContext) -> None:
    assert TraceContext.of_text(context.text) == context
    assert of_xray_header(context.xray_header) == context


def test_a_callers_traceparent_is_gone_on_with() -> None:
    assert of_traceparent(f"00-{TRACE}-{SPAN}-01") == TraceContext(TRACE, SPAN)
    assert of_traceparent(f"cc-{TRACE}-{SPAN}-09-what-the-future-has-to-say") == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"00-{TRACE}-{SPAN}-00",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736",
    ],
)
def test_what_is_not_recorded_or_no_traceparent_at_all_begins_nothing(header: str | None) -> None:
    assert of_traceparent(header) is None


@given(st.text())
def test_whatever_somebody_sends_as_a_trace_header_raises_nothing(header: str) -> None:
    of_traceparent(header)
    assert of_xray_header(header) is None


def test_a_service_that_does_not_record_its_work_asks_for_nothing() -> None:
    root = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"
    assert of_xray_header(f"{root};Parent={SPAN};Sampled=0") is None
    assert of_xray_header(f"{root};Sampled=1;Lineage=1:fc3b4ff1:0") == TraceContext(TRACE)


def test_xray_reads_from_a_new_traces_id_when_it_began() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    assert int(begun(now).xray_id.split("-")[1], 16) == now.timestamp()
