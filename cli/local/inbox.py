"""A receiver of webhooks on this machine, for the demo, the tests, and whoever wants to look at one.

`POST /<name>` keeps a request, `GET /<name>` answers what was kept as a JSON list of headers and body.
`POST /<name>?fail=2` answers 503 to the first two deliveries to that name, `?fail=2&status=410` another status.
`PUT /<name>?fail=2&status=410&holding=TEXT` does so to the next two whose body holds that text. Run by `backstay up`:
`python -m cli.local.inbox LISTENING_DESCRIPTOR`.
"""

import json
import socket
import sys
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_KEPT = 1000
_LARGEST = 1_000_000


class Inbox(ThreadingHTTPServer):
    """Keeps the newest deliveries in memory."""

    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.server_activate()
        self.kept: deque[dict[str, object]] = deque(maxlen=_KEPT)
        self.failed: Counter[str] = Counter()
        self.told: list[tuple[str, str, int]] = []
        """Path, text and status: each answers one delivery to the path that holds the text."""


class _Receiver(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _LARGEST)).decode(errors="replace")
        asked = parse_qs(address.query)
        failures = int(asked.get("fail", ["0"])[0])
        status = 204
        if self.server.failed[address.path] < failures:
            self.server.failed[address.path] += 1
            status = int(asked.get("status", ["503"])[0])
        for told in self.server.told:
            if told[0] == address.path and told[1] in body:
                status = told[2]
                self.server.told.remove(told)
                break
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.kept.append({"path": address.path, "status": status, "headers": headers, "body": body})
        self._answer(status, b"")

    def do_PUT(self) -> None:
        address = urlsplit(self.path)
        asked = parse_qs(address.query)
        status, times = int(asked.get("status", ["503"])[0]), int(asked.get("fail", ["1"])[0])
        self.server.told += [(address.path, asked.get("holding", [""])[0], status)] * times
        self._answer(204, b"")

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        found = [delivery for delivery in self.server.kept if path in ("/", delivery["path"])]
        self._answer(200, json.dumps(found).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Inbox(socket.socket(fileno=int(sys.argv[1]))).serve_forever()
