"""A model at the transport of the SDK: answers at once, or after a wait, whatever it is asked."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import httpx2

from bench.work import prose

ONE_KB_ANSWER = prose("answer")
"""About 1 KB of the kind of prose that a model writes."""

ANSWERS: dict[str, dict[str, Any]] = {
    "Opinion": {"text": ONE_KB_ANSWER},
    "Assessment": {
        "hype_score": 7.5,
        "ethics_score": 3.0,
        "reality_check": ONE_KB_ANSWER[:450],
        "eli5_summary": ONE_KB_ANSWER[450:880],
    },
}
"""By the name of the form that the model is asked to fill in."""


def _message(form: str) -> bytes:
    block = {"type": "tool_use", "id": "toolu_bench", "name": form, "input": ANSWERS[form]}
    message = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [block],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 650, "output_tokens": 260},
    }
    return json.dumps(message).encode()


_BODIES = {form: _message(form) for form in ANSWERS}


def answer_to(asked: bytes) -> bytes:
    """The answer to a request that asks for one of the forms."""
    return next(body for form, body in _BODIES.items() if form.encode() in asked)


@contextmanager
def instant_model(latency_s: float = 0) -> Iterator[None]:
    """Every request that an SDK sends in this process is answered here, in Anthropic's words."""

    def handle(_transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        if latency_s:
            time.sleep(latency_s)
        body = answer_to(request.read())
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=body, request=request)

    with patch.object(httpx2.HTTPTransport, "handle_request", handle):
        yield
