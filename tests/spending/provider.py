"""A model server that counts: what it bills is known call by call, whether or not the caller ever learns of it."""

import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.receivers import LoopbackServer

MOST_OUTPUT = 40
_AROUND_A_MESSAGE = 4
_TOUCHY, _SILENT, _CUT = 0.02, 0.01, 0.01
"""The part of all calls that it refuses, does and never answers, and does while the connection is cut."""
_LONGEST_CALL_S = 0.3


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars a million tokens."""

    input: int
    output: int

    def usd(self, read: int, written: int) -> Decimal:
        """What a call costs."""
        return Decimal(read * self.input + written * self.output) / 1_000_000


PRICES = {"north": Prices(10, 180), "south": Prices(8, 220)}
"""Of the providers that it stands for; their names begin its paths."""


@dataclass
class Provider:
    """Where it answers, and what it has billed."""

    url: str
    billed: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """US dollars by provider and job. A job asks a provider once."""

    @property
    def calls(self) -> int:
        """That it has billed."""
        return len(self.billed)


@contextmanager
def provider() -> Iterator[Provider]:
    """One on a port of its own."""
    server = _Server(_Handler)
    server.provider = counting = Provider(server.url)
    with server.running():
        yield counting


class _Server(LoopbackServer):
    provider: Provider


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fate = random.random()
        if fate < _TOUCHY:
            self._answer(503, {"error": {"message": "The server is overloaded", "type": "server_error"}})
            return
        read, written = self._bill(asked)
        time.sleep(random.uniform(0, _LONGEST_CALL_S))
        if fate < _TOUCHY + _SILENT:
            self.server.over.wait(60)
            self.close_connection = True
        elif fate < _TOUCHY + _SILENT + _CUT:
            self.close_connection = True
        else:
            self._answer(200, _completion(read, written))

    def _bill(self, asked: Mapping[str, Any]) -> tuple[int, int]:
        """Tokens in and out: as many as there may be, at the most."""
        name, provider, (message,) = self.path.split("/")[1], self.server.provider, asked["messages"]
        read = random.randint(1, len(message["content"].encode())) + _AROUND_A_MESSAGE
        written = random.randint(1, asked["max_tokens"])
        call = name, message["content"]
        if call in provider.billed:
            raise AssertionError(f"job {call} has asked twice")
        provider.billed[call] = PRICES[name].usd(read, written)
        return read, written

    def _answer(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """What it billed says it all."""


def _completion(read: int, written: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": "Yes."}
    return {
        "id": "chatcmpl-counted",
        "object": "chat.completion",
        "created": 0,
        "model": "small",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }
