"""A gate before the model server: counts who comes, and turns them away or lets them hang for as long as it is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

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
    server = _Server(("127.0.0.1", 0), _Handler)
    server.gate = opened = Gate(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    gate: Gate

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.over = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        passage = Passage(time.time())
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


_COMPLETION = json.dumps(
    {
        "id": "chatcmpl-chaos",
        "object": "chat.completion",
        "created": 0,
        "model": "small",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 30, "completion_tokens": 10, "total_tokens": 40},
    }
).encode()
