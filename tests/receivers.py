"""Real HTTP servers on this machine: how long they live, and one that answers as a test says, kindly or not."""

import contextlib
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """A server on a free port of 127.0.0.1, with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.over = threading.Event()
        """Set when it is to end: for handlers that wait."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing of a caller that was killed, or has waited for long enough."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Answers inside."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            self.shutdown()
            self.server_close()
            thread.join()


Script = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Receiver:
    """What a test holds of the server."""

    port: int
    scripts: list[Script] = field(default_factory=list)
    """One for each request; the last one answers all that follow."""
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def pair(self) -> str:
        """Host and port, as backstay.toml lists them."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """A URL of this server."""
        return f"{scheme}://{host}:{self.port}{path}"

    def answers(self, *scripts: Script) -> None:
        """Set what is answered from now on."""
        self.scripts = list(scripts)


def status(code: int, body: bytes = b"", **headers: str) -> Script:
    """Answer with a status, headers (underscore for hyphen) and a body."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return script


def drips(*, start: bytes, drop: bytes, every_s: float = 0.05) -> Script:
    """Write some bytes at once and then a drop now and again, for ever."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        pause = threading.Event()
        while True:
            handler.wfile.write(drop)
            handler.wfile.flush()
            pause.wait(every_s)

    return script


def pours(piece: bytes) -> Script:
    """Answer 200 with a body that has no end, as fast as it is taken."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            handler.wfile.write(piece)

    return script


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


@contextlib.contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a server on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            held.received.append(Received(self.command, self.path, headers, body))
            script = held.scripts.pop(0) if len(held.scripts) > 1 else held.scripts[0]
            with contextlib.suppress(OSError):  # the client may go at any time, and some tests are about just that
                script(self)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    class Server(LoopbackServer):
        def finish_request(self, request: object, client_address: object) -> None:
            held.connections += 1
            with contextlib.suppress(OSError):
                wrapped = tls.wrap_socket(request, server_side=True) if tls else request  # type: ignore[arg-type]
                super().finish_request(wrapped, client_address)  # type: ignore[arg-type]

    server = Server(Handler)
    held = Receiver(server.server_address[1], [status(200)])
    with server.running():
        yield held
