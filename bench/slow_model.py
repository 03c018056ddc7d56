"""A model server in this process that takes its time: each answer comes after so many seconds, however many wait."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.model import answer_to


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def __init__(self, latency_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.latency_s = latency_s


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment, or the other side waits 40 ms for the second
    server: _Server

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        time.sleep(self.server.latency_s)
        answer = answer_to(asked)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name there
        """Say nothing."""


@contextmanager
def slow_model(latency_s: float) -> Iterator[str]:
    """Answers in Anthropic's words; the URL."""
    with _Server(latency_s) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()
