"""The command at a terminal, over an API that is a fake."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from typer.testing import CliRunner, Result

from cli.local.state import StateDirectory
from cli.main import app


class FakeApi:
    """Answers what a test told it to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, object]]] = {}
        self.asked: list[tuple[str, Any, Mapping[str, str]]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                call = f"{self.command} {self.path}"
                fake.asked.append((call, body, dict(self.headers)))
                queue = fake.answers.get(call, [(404, {"title": "There is no such thing", "detail": f"no {call}"})])
                status, document = queue.pop(0) if len(queue) > 1 else queue[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(document if isinstance(document, bytes) else json.dumps(document).encode())

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def says(self, call: str, *answers: tuple[int, object]) -> None:
        self.answers[call] = list(answers)


def backstay(state: StateDirectory, *words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["--state-dir", str(state.path), *words], input=stdin)
