"""A model call as a span, by OpenTelemetry's conventions for generative AI. Neither question nor answer is told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from backstay.llm.request import Answer, Finish, Request
from backstay.llm.routes import Route
from backstay.provider_settings import Kind
from backstay.receipt import Call
from backstay.tracing.spans import Attributes, OpenSpan, SpanKind, span

_OPERATION = "chat"
_NAMES: Mapping[Kind, str] = {"azure": "azure.ai.openai", "bedrock": "aws.bedrock"}
"""OpenTelemetry's names where they are others than ours; of `compatible`, the name in backstay.toml is the best."""
_FINISHES = {Finish.COMPLETE: "stop", Finish.TRUNCATED: "length", Finish.REFUSED: "content_filter"}


@contextmanager
def call_span(kind: Kind, route: Route, request: Request) -> Iterator[OpenSpan]:
    """One call of one model; a failover is a span of its own."""
    with span(f"{_OPERATION} {route.model}", SpanKind.CLIENT) as opened:
        opened.attributes |= {
            "gen_ai.operation.name": _OPERATION,
            "gen_ai.provider.name": route.provider if kind == "compatible" else _NAMES.get(kind, kind),
            "gen_ai.request.model": route.model,
            "gen_ai.request.max_tokens": request.max_output_tokens,
            "gen_ai.output.type": "json" if request.form else "text",
            "backstay.provider": route.provider,
        }
        yield opened


def told_of(call: Call, answer: Answer) -> Attributes:
    """What an answered call adds."""
    told: dict[str, str | int | float | list[str]] = {
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "gen_ai.response.finish_reasons": [_FINISHES.get(answer.finish, str(answer.finish))],
    }
    if call.cached_tokens:
        told["gen_ai.usage.cache_read.input_tokens"] = call.cached_tokens
    if call.cache_write_tokens:
        told["gen_ai.usage.cache_creation.input_tokens"] = call.cache_write_tokens
    if call.reasoning_tokens:
        told["gen_ai.usage.reasoning.output_tokens"] = call.reasoning_tokens
    if call.cost_usd is not None:
        told["backstay.cost_usd"] = float(call.cost_usd)
    return told
