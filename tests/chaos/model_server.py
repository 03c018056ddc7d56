"""llmock with quotas, in this process: it fails as it is told to, and judges who called it."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from llmock.main import create_app
from llmock.ratelimit import LimitSettings

from cli.local.processes import free_loopback_socket

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A model server of a case's own."""

    url: str

    def script(self, behaviors: Sequence[Json]) -> None:
        """Let the next requests that match meet these, as in `POST /_llmock/scenario`."""
        self._ask("POST", "scenario", {"behaviors": list(behaviors)})

    def left(self) -> list[Json]:
        """Scripted behaviours that no request has met yet."""
        pending: list[Json] = self._ask("GET", "scenario")["pending"]
        return pending

    def requests(self) -> list[Json]:
        """All that it was asked, in order, with what it answered."""
        asked: list[Json] = self._ask("GET", "requests")["requests"]
        return asked

    def verdict(self) -> Json:
        """How its callers did."""
        return self._ask("GET", "verdict")

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = httpx.request(method, f"{self.url}/_llmock/{path}", json=body, timeout=30, trust_env=False)
        found: Json = answer.raise_for_status().json()
        return found


@contextmanager
def model_server(limits: LimitSettings) -> Iterator[ModelServer]:
    """A model server on a port of its own, which keeps to these quotas for each provider and key."""
    server = uvicorn.Server(uvicorn.Config(create_app(limits=limits), access_log=False, log_level="warning"))
    with free_loopback_socket() as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise RuntimeError("the model server ended as it started")
                time.sleep(0.05)
            yield ModelServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join()
