"""Model calls in traces, by OpenTelemetry's names."""

import pytest

from backstay import llm
from backstay.errors import WorkError
from backstay.tracing.context import TraceContext
from backstay.tracing.spans import gathering

GPT = "openai/gpt-5.6-luna"
CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def test_a_call_tells_who_was_asked_what_it_used_and_why_it_ended(providers, job):
    with gathering(CALLER, "enhance-story") as spans:
        llm.complete("Tell no one of this", routes=[GPT])
    (span,), (call,) = spans, job.calls
    assert (span.name, span.kind, span.parent_id) == ("chat gpt-5.6-luna", "client", CALLER.span_id)
    assert {name: value for name, value in span.attributes.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5.6-luna",
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.output.type": "text",
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    assert span.attributes["backstay.cost_usd"] == pytest.approx(float(call.cost_usd))
    assert "Tell no one" not in str(span)


def test_a_failover_is_two_spans_of_which_the_first_tells_its_class(providers, job):
    providers.fail(500)
    with gathering(CALLER, "enhance-story") as spans:
        llm.complete("Hello", routes=[GPT, "anthropic/claude-haiku-5-5"])
    failed, answered = spans
    assert failed.attributes["error.type"] == "server"
    assert "error.type" not in answered.attributes
    assert answered.attributes["gen_ai.provider.name"] == "anthropic"


def test_a_call_that_a_guard_refused_is_none(configure, providers, job):
    configure(
        f"""
        [providers.openai]
        kind = "openai"
        secret = "provider/openai"
        base_url = "{providers.base_url("openai")}"
        [budgets.total]
        daily = 0
        """
    )
    with gathering(CALLER, "enhance-story") as spans, pytest.raises(WorkError):
        llm.complete("Hello", routes=[GPT])
    assert spans == []
