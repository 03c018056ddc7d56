"""The page in a real browser, over the real API on moto."""

import dataclasses
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from ctypes.util import find_library
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from backstay.access.key_store import IssuedKey
from backstay.settings import Environment
from cli.local.page import PageServer
from cli.local.processes import child_of
from cli.local.servers import free_loopback_socket
from cli.local.state import REPOSITORY, LocalCloud, StateDirectory
from tests.integration.api.conftest import handler, issue, key_store
from tests.integration.conftest import catalog, clock, cloud, machine
from tests.sockets import SocketGateway, serving

__all__ = ["catalog", "clock", "cloud", "handler", "issue", "key_store", "machine"]

HERE = Path(__file__).parent
ARGUMENTS = ["--no-sandbox", "--no-zygote", "--headless=shell"]
_AS_IN_LAMBDA = {"AWS_LAMBDA_JS_RUNTIME": "nodejs24.x"}
"""There the package unpacks the libraries too that the browser needs."""
_PATIENCE_MS = 20_000
_INSTALLED = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")

Handler = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, built."""
    folder = tmp_path_factory.mktemp("page")
    _run(["npm", "ci", "--no-audit", "--no-fund"], REPOSITORY, unless=REPOSITORY / "node_modules" / "esbuild")
    _run(["npm", "run", "page", "--", f"--outdir={folder}"], REPOSITORY)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, from npm's package or installed."""
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        path, libraries = chromium()
        environment = {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else None
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, env=environment)
        yield running
        running.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The judge of accessibility, as a script."""
    _install()
    return (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def environment(cloud: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a function reads of its environment."""
    for name, value in dataclasses.asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    monkeypatch.setenv("BACKSTAY_LIVE_URL", "wss://unknown.test/live")  # the page opens sockets below its own name


@pytest.fixture
def gateway(environment: None) -> Iterator[SocketGateway]:
    """Where the page's sockets end."""
    with serving() as running:
        yield running


@pytest.fixture
def site(files: Path, handler: Handler, gateway: SocketGateway, tmp_path: Path) -> Iterator[str]:
    """The page's address; below it the API."""
    api = _serve(_ApiServer(handler))
    state = StateDirectory(tmp_path / "state")
    state.prepare()
    shutil.copytree(files, state.page)
    me = child_of("this test", os.getpid())
    state.write_cloud(LocalCloud(_url(api), "", "", "", "", "", "test", {}, {"LiveUrl": gateway.url}, (me,)))
    with free_loopback_socket() as listener:
        page = _serve(PageServer(listener, state))
        yield _url(page)
        for server in (page, api):
            server.shutdown()
            server.server_close()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """A tab that nobody is signed in to yet. What its console complains of fails the test."""
    context = browser.new_context(base_url=site, locale="en-US", viewport={"width": 1200, "height": 800})
    tab = context.new_page()
    tab.set_default_timeout(_PATIENCE_MS)
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    tab.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
    yield tab
    context.close()
    assert not complaints


@pytest.fixture
def sign_in(page: Page, issue: Callable[..., IssuedKey]) -> Callable[..., Page]:
    """Signs in with a new key: `sign_in("*", "read")`."""

    def enter(tenant: str = "*", *scopes: str) -> Page:
        page.goto("/")
        page.get_by_label("API key").fill(issue(tenant, *scopes).key)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Overview").wait_for()
        return page

    return enter


class _ApiServer(ThreadingHTTPServer):
    """API Gateway in front of the handler, which answers one request at a time, as a Lambda does."""

    daemon_threads = True

    def __init__(self, handler: Handler) -> None:
        super().__init__(("127.0.0.1", 0), _Gateway)
        self.handler, self.turn = handler, threading.Lock()


class _Gateway(BaseHTTPRequestHandler):
    server: _ApiServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        parameters = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": parameters or None,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {
                "stage": "$default",
                "requestId": "request-1",
                "http": {"method": self.command, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
            },
            "body": body or None,
            "isBase64Encoded": False,
        }
        with self.server.turn:
            answer = self.server.handler(event, SimpleNamespace(aws_request_id="lambda-1", function_name="api"))
        content = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in {**answer["headers"], "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


def _serve(server: ThreadingHTTPServer) -> ThreadingHTTPServer:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _url(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def chromium() -> tuple[str, str]:
    """Where it is, and the folder of what it needs and this machine lacks, if anything."""
    if os.uname().machine == "x86_64" and os.uname().sysname == "Linux":
        _install()
        lacks = find_library("nss3") is None
        found = _run(["node", "where.mjs"], HERE, environment=_AS_IN_LAMBDA if lacks else {})
        return found, str(Path(found).parent / "al2023" / "lib") if lacks else ""
    for name in _INSTALLED:
        if found_here := shutil.which(name):
            return found_here, ""
    if os.environ.get("CI"):
        pytest.fail("there is no browser on this machine, and CI must not go without")
    pytest.skip("THE PAGE IS NOT TESTED: there is no Chrome or Chromium on this machine; install one")


def _install() -> None:
    _run(["npm", "ci", "--no-audit", "--no-fund"], HERE, unless=HERE / "node_modules" / "axe-core")


def _run(
    command: list[str], where: Path, unless: Path | None = None, environment: Mapping[str, str] = MappingProxyType({})
) -> str:
    if unless and unless.exists():
        return ""
    env = os.environ | environment
    done = subprocess.run(command, cwd=where, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, json.dumps(done.stderr)
    return done.stdout.strip()
