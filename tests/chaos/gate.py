"""A gate before the model server: counts who comes, and turns them away or lets them hang for as long as it is told."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler

import httpx

from tests.receivers import LoopbackServer

_LONGEST_HANG_S = 90


class Mode(Enum):
    """What becomes of a request."""

    PASS = "pass"
    FAIL = "fail"
    HANG = "hang"
    ANSWER = "answer"
    """At once and without the model server."""


@dataclass
class Passage:
    """One request; the times are seconds since 1970."""

    arrived: float
    asked: bytes = b""
    ended: float | None = None
    answered: bool = False


@dataclass
class Gate:
    """What the gate does, and whom it has seen."""

    url: str
    target: str = ""
    mode: Mode = Mode.PASS
    passages: list[Passage] = field(default_factory=list)

    def between(self, begin: float, end: float) -> list[Passage]:
        """Who arrived within this time."""
        return [passage for passage in list(self.passages) if begin <= passage.arrived < end]


@contextmanager
def gate() -> Iterator[Gate]:
    """A gate on a port of its own. Its `target` is the model server, which may start later."""
    server = _Server(_Handler)
    server.gate = opened = Gate(server.url)
    with server.running():
        yield opened


class _Server(LoopbackServer):
    gate: Gate


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        passage = Passage(time.time(), body)
        self.server.gate.passages.append(passage)
        try:
            self._serve(body, passage)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the caller has waited long enough
        finally:
            passage.ended = time.time()

    def _serve(self, body: bytes, passage: Passage) -> None:
        gate = self.server.gate
        match gate.mode:
            case Mode.FAIL:
                self._answer(503, b'{"error": {"message": "The server is overloaded", "type": "server_error"}}')
            case Mode.HANG:
                self._hang()
            case Mode.ANSWER:
                passage.answered = True
                self._answer(200, _COMPLETION)
            case Mode.PASS:
                headers = {"content-type": "application/json", "authorization": "Bearer chaos"}
                answer = httpx.post(gate.target + self.path, content=body, headers=headers, timeout=30, trust_env=False)
                passage.answered = answer.is_success
                self._answer(answer.status_code, answer.content)

    def _hang(self) -> None:
        """Until the caller goes, which a hanging server would not notice either; or until all is over."""
        self.connection.settimeout(0.05)
        ends_at = time.monotonic() + _LONGEST_HANG_S
        while not self.server.over.is_set() and time.monotonic() < ends_at:
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
        self.close_connection = True

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Passages say it all."""


ANSWER_TOKENS = 30, 10
"""In and out, of an answer that the gate gives itself."""
_COMPLETION = json.dumps(
    {
        "id": "chatcmpl-chaos",
        "object": "chat.completion",
        "created": 0,
        "model": "small",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": ANSWER_TOKENS[0],
            "completion_tokens": ANSWER_TOKENS[1],
            "total_tokens": sum(ANSWER_TOKENS),
        },
    }
).encode()
