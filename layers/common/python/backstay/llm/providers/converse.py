"""Requests and answers in the words of Bedrock's Converse API. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from backstay.llm.providers.claude import traits_of
from backstay.llm.request import Answer, Finish, Form, Request, Usage

_FINISHES = {
    "end_turn": Finish.COMPLETE,
    "stop_sequence": Finish.COMPLETE,
    "tool_use": Finish.COMPLETE,
    "max_tokens": Finish.TRUNCATED,
    "model_context_window_exceeded": Finish.CONTEXT_FULL,
    "content_filtered": Finish.REFUSED,
    "guardrail_intervened": Finish.REFUSED,
}
_USUAL_SERVICE = ("default", "reserved")
_CLAUDE = re.compile(r"(?:^|[./])anthropic\.(?P<model>claude-.+)")
_FORCED_TOOL = re.compile(r"(?:^|[./])amazon\.nova-")
"""Makers whose models take a forced tool and no schema for the text."""


def body_of(request: Request, model: str) -> dict[str, Any]:
    """What to post for a request to a model."""
    turns = [turn for turn in request.messages if turn.role != "system"]
    limits: dict[str, Any] = {"maxTokens": request.max_output_tokens}
    body: dict[str, Any] = {
        "messages": [{"role": turn.role, "content": [{"text": turn.content}]} for turn in turns],
        "inferenceConfig": limits,
    }
    if system := [{"text": turn.content} for turn in request.messages if turn.role == "system"]:
        body["system"] = system
    traits = traits_of(claude["model"]) if (claude := _CLAUDE.search(model)) else None
    if traits is None or traits.temperature:
        limits["temperature"] = min(1.0, request.temperature)
    if traits and traits.thinking_off:
        body["additionalModelRequestFields"] = {"thinking": {"type": traits.thinking_off}}
    if request.form:
        forced = traits.forced_tool if traits else bool(_FORCED_TOOL.search(model))
        body |= _forced_tool(request.form) if forced else _schema_of_text(request.form)
    return body


def answer_of(document: Mapping[str, Any]) -> Answer:
    """What a model answered.

    Raises:
        AttributeError, KeyError, TypeError: the document lacks what an answer has.
    """
    blocks, finish = document["output"]["message"]["content"], document["stopReason"]
    filled = [json.dumps(block["toolUse"]["input"]) for block in blocks if "toolUse" in block]
    return Answer(
        text=filled[0] if filled else "".join(block.get("text", "") for block in blocks),
        finish=_FINISHES.get(finish, Finish.UNKNOWN),
        usage=_usage(document["usage"], (document.get("serviceTier") or {}).get("type") or ""),
        detail=str(finish),
    )


def _usage(told: Mapping[str, Any], service: str) -> Usage:
    cached, written = told.get("cacheReadInputTokens") or 0, told.get("cacheWriteInputTokens") or 0
    for_an_hour = (one["inputTokens"] for one in told.get("cacheDetails") or () if one.get("ttl") == "1h")
    return Usage(
        input_tokens=told["inputTokens"] + cached + written,  # Bedrock counts what is cached apart
        output_tokens=told["outputTokens"],
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=sum(for_an_hour),
        service="" if service in _USUAL_SERVICE else service,
    )


def _forced_tool(form: Form) -> dict[str, Any]:
    tool = {"name": form.name, "description": form.description, "inputSchema": {"json": form.schema}}
    return {"toolConfig": {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": form.name}}}}


def _schema_of_text(form: Form) -> dict[str, Any]:
    schema = {"schema": json.dumps(form.bare_schema), "name": form.name, "description": form.description}
    return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}}
