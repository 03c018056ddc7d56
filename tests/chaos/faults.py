"""Every way in which llmock can be told to fail a client that does not stream, and how a job that meets it must end.

Its stream faults need a stream: early ends, slow drips and broken bodies of whole answers are in
tests/unit/llm/test_bad_servers.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HANG_S = 15
"""Longer than the providers' `timeout_s`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted failure."""

    behavior: Mapping[str, Any]
    """As in `POST /_llmock/scenario`."""
    fails_for_good: str = ""
    """The class that ends a job which meets it; empty where the job gets its answer all the same."""
    providers: tuple[str, ...] = field(default=("anthropic", "openai"))

    def at(self, provider: str) -> dict[str, Any]:
        """For requests to this provider only, whether they offer tools or not."""
        return {**self.behavior, "match": {"provider": provider}}


def _fail(status: int, fails_for_good: str = "", **more: object) -> Fault:
    return Fault({"type": "fail", "status": status, **more}, fails_for_good)


def _reply(text: str, finish: str | None = None, fails_for_good: str = "") -> Fault:
    return Fault({"type": "reply", "text": text, "finish_reason": finish}, fails_for_good)


PASSING = (
    _fail(408),
    _fail(409),
    _fail(429),
    _fail(429, retry_after=0.3),
    _fail(429, retry_after=8),
    _fail(500),
    _fail(501),
    _fail(502),
    _fail(503),
    _fail(503, retry_after=4),
    _fail(504),
    _fail(529),
    Fault({"type": "delay", "seconds": HANG_S}),
    _reply("The story seems sober to me."),
    _reply('{"hype_score": 3.', "length"),
    _reply('{"hype_score": 11, "ethics_score": 0, "reality_check": "x", "eli5_summary": "x"}'),
    _reply(""),
    _reply("{}", "interrupted"),
    Fault({"type": "tool_fault", "kind": "malformed_arguments"}, providers=("anthropic",)),
    Fault({"type": "tool_fault", "kind": "unknown_tool"}, providers=("anthropic",)),
)
"""The job is answered in the end."""

FOR_GOOD = (
    _fail(400, "invalid_request"),
    _fail(404, "invalid_request"),
    _fail(413, "context_length"),
    _fail(422, "invalid_request"),
    _fail(400, "context_length", message="prompt is too long: 250000 tokens > 200000 maximum"),
    _fail(403, "moderation", message="Your input was flagged by our moderation"),
    _reply("I can't help with that.", "content_filter", "moderation"),
)
"""No retry can help: the job ends at once, with its fallback."""

OF_THE_ACCOUNT = (_fail(401), _fail(403), _fail(402))
"""A person has to mend it; until then another provider answers. Not the 429 that says `insufficient_quota`: llmock
reads no codes, and would have that retried."""
