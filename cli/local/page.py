"""The web page on this machine: the files that CloudFront serves on AWS, with the same headers, and the API.

Run by `backstay up`: `python -m cli.local.page LISTENING_DESCRIPTOR STATE_DIRECTORY`.
"""

import json
import mimetypes
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from cli.local.state import REPOSITORY, StateDirectory
from cli.local.tunnel import lead, wants_socket

_SERVING = json.loads((REPOSITORY / "web" / "serving.json").read_text())
_HEADERS: dict[str, str] = _SERVING["headers"]
_SOCKETS: str = _SERVING["sockets"]
_OF_THE_API = tuple(path.removesuffix("*") for path in _SERVING["of_the_api"])
_PASSED_ON = ("authorization", "content-type", "accept", "idempotency-key")
_PASSED_BACK = ("content-type", "retry-after", "location")
_PATIENCE_S = 35.0
_LARGEST = 6_000_000
"""Of a request's body; API Gateway takes no larger one."""


class PageServer(ThreadingHTTPServer):
    """Serves one state directory's page."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, state: StateDirectory) -> None:
        super().__init__(("127.0.0.1", 0), _Visitor, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.server_activate()
        self.state = state
        self.api = httpx.Client(timeout=_PATIENCE_S, trust_env=False)

    @property
    def files(self) -> dict[str, Path]:
        """By the path that they are asked for."""
        found = {f"/{file.name}": file for file in self.state.page.iterdir()} if self.state.page.is_dir() else {}
        return found | ({"/": found["/index.html"]} if "/index.html" in found else {})


class _Visitor(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == _SOCKETS and wants_socket(self.headers):
            return self._lead_on()
        if path.startswith(_OF_THE_API):
            return self._pass_on()
        file = self.server.files.get(path)
        if file is None:
            return self._answer(404, b"There is no such page.", {"Content-Type": "text/plain"})
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return self._answer(200, file.read_bytes(), {"Content-Type": kind, "Cache-Control": "no-cache"})

    def _pass_on(self) -> None:
        cloud = self.server.state.cloud()
        if cloud is None or not cloud.api_url:
            return self._answer(
                503, b"The API is not deployed yet.", {"Content-Type": "text/plain", "Retry-After": "2"}
            )
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _LARGEST))
        headers = {name: value for name in _PASSED_ON if (value := self.headers.get(name))}
        try:
            answer = self.server.api.request(self.command, cloud.api_url + self.path, content=body, headers=headers)
        except httpx.TransportError as error:
            return self._answer(502, f"The API can't be reached: {error}".encode(), {"Content-Type": "text/plain"})
        kept = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        return self._answer(answer.status_code, answer.content, kept)

    def _lead_on(self) -> None:
        self.close_connection = True
        cloud = self.server.state.cloud()
        url = cloud.outputs.get("LiveUrl") if cloud else None
        try:
            if url:
                return lead(self.connection, url, urlsplit(self.path).query, self.headers)
        except OSError as error:
            return self._answer(502, f"Sockets can't be reached: {error}".encode(), {"Content-Type": "text/plain"})
        return self._answer(503, b"Nothing is deployed yet.", {"Content-Type": "text/plain", "Retry-After": "2"})

    do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815 - the library's names

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    PageServer(socket.socket(fileno=int(sys.argv[1])), StateDirectory(Path(sys.argv[2]))).serve_forever()
