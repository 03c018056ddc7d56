"""The server of the web page on this machine."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from cli.local.page import PageServer
from cli.local.processes import child_of
from cli.local.state import REPOSITORY, LocalCloud, StateDirectory
from tests.receivers import Receiver, receiver, status

HEADERS: dict[str, str] = json.loads((REPOSITORY / "web" / "serving.json").read_text())["headers"]
AWS, LLM, INBOX = (f"http://127.0.0.1:{port}" for port in (1, 2, 3))
CLOUD = LocalCloud("", "key", AWS, LLM, INBOX, "", "dev", {}, {}, (child_of("this test", os.getpid()),))


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    directory = StateDirectory(tmp_path)
    directory.prepare()
    directory.page.mkdir()
    (directory.page / "index.html").write_text("<title>Backstay</title>")
    (directory.page / "main.js").write_text("1")
    (tmp_path / "local.json.bak").write_text("secret")
    return directory


@pytest.fixture
def page(state: StateDirectory) -> Iterator[httpx.Client]:
    """Asks the page's server."""
    server = PageServer(socket.create_server(("127.0.0.1", 0)), state)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as client:
        yield client
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def api(state: StateDirectory) -> Iterator[Receiver]:
    """An API that is deployed."""
    with receiver() as running:
        state.write_cloud(replace(CLOUD, api_url=running.url("/base")))
        yield running


def test_files_come_with_the_headers_that_they_have_on_aws(page: httpx.Client) -> None:
    for path, kind in (("/", "text/html"), ("/index.html", "text/html"), ("/main.js", "text/javascript")):
        answer = page.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert HEADERS.items() <= {name: answer.headers.get(name) for name in HEADERS}.items()


@pytest.mark.parametrize("path", ["/nothing", "/../local.json.bak", "/%2e%2e/local.json.bak", "//etc/passwd"])
def test_there_is_nothing_else(page: httpx.Client, path: str) -> None:
    answer = page.get(path)
    assert (answer.status_code, "secret" in answer.text) == (404, False)


def test_the_api_is_asked_with_the_caller_s_key_and_its_answer_passed_back(page: httpx.Client, api: Receiver) -> None:
    api.answers(status(409, b'{"detail": "no"}', Content_Type="application/problem+json", Server_Secret="x"))
    headers = {"Authorization": "Bearer key", "Content-Type": "application/json", "Cookie": "a=b"}
    answer = page.post("/api/jobs?limit=5", content=b'{"task": "t"}', headers=headers)
    assert (answer.status_code, answer.json()) == (409, {"detail": "no"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert "server-secret" not in answer.headers
    (asked,) = api.received
    assert (asked.method, asked.path, asked.body) == ("POST", "/base/api/jobs?limit=5", b'{"task": "t"}')
    assert asked.headers["authorization"] == "Bearer key"
    assert "cookie" not in asked.headers


def test_before_the_api_is_there_and_after_it_is_gone_that_is_said(page: httpx.Client, state: StateDirectory) -> None:
    assert page.get("/health").status_code == 503
    state.write_cloud(replace(CLOUD, api_url="http://127.0.0.1:9"))
    answer = page.get("/health")
    assert (answer.status_code, "can't be reached" in answer.text) == (502, True)


def test_a_socket_is_led_to_where_sockets_open_and_carries_both_ways(page: httpx.Client, state: StateDirectory) -> None:
    asked: list[str] = []

    def echo(socket: ServerConnection) -> None:
        asked.append(socket.request.path if socket.request else "")
        for message in socket:
            socket.send(f"heard {message!s}")

    with serve(echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.socket.getsockname()[:2]
        state.write_cloud(replace(CLOUD, outputs={"LiveUrl": f"ws://{host}:{port}/base/live"}))
        with connect(f"{str(page.base_url).replace('http', 'ws').rstrip('/')}/live?ticket=t") as socket:
            socket.send("one")
            assert socket.recv() == "heard one"
        server.shutdown()
    assert asked == ["/base/live?ticket=t"]


def test_a_socket_that_is_refused_is_refused(page: httpx.Client, state: StateDirectory) -> None:
    handshake = {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert page.get("/live?ticket=t", headers=handshake).status_code == 503
    state.write_cloud(replace(CLOUD, outputs={"LiveUrl": "ws://127.0.0.1:9/live"}))
    assert page.get("/live?ticket=t", headers=handshake).status_code == 502
    with receiver() as gateway:
        gateway.answers(status(403))
        state.write_cloud(replace(CLOUD, outputs={"LiveUrl": gateway.url("/live", scheme="ws")}))
        assert page.get("/live?ticket=t", headers=handshake).status_code == 403
    assert page.get("/live").status_code == 404
