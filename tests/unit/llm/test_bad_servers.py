"""Servers that misbehave below HTTP or above it, over real sockets: each has a class and says what to look at."""

import json
import socket
import time
import traceback
from collections.abc import Callable

import pytest

from backstay.config import ProviderSettings
from backstay.errors import ErrorClass
from backstay.llm.errors import LLMError
from backstay.llm.providers import open_provider, transport
from backstay.llm.request import Message, Request

ASK = Request((Message("user", "Hello"),), max_output_tokens=5)
KEY = "hush-no-form-that-is-known"
KINDS = ["anthropic", "openai", "openrouter", "azure", "bedrock", "compatible"]

Answer = Callable[[socket.socket], None]


def ask(kind: str, url: str, timeout_s: float = 5) -> LLMError:
    settings = ProviderSettings.model_validate(
        {
            "kind": kind,
            "secret": "s",
            "base_url": url,
            **({"api_version": "1"} if kind == "azure" else {}),
            **({"regions": ["eu-central-1"]} if kind == "bedrock" else {}),
        }
    )
    with pytest.raises(LLMError) as caught:
        open_provider("house", settings, KEY).ask(ASK, "claude-x", timeout_s)
    assert "house/claude-x: " in str(caught.value)
    return caught.value


def http(body: bytes, kind: str = "application/json", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (http(b"<html>Down for maintenance</html>", "text/html"), "no JSON, such as a web page"),
        (http(b'{"choices": [{"ind'), "malformed answer"),
        (http(b""), "malformed answer"),
        (http(b"null"), "malformed answer"),
        (http(b'{"choi', length=500), "connection lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection lost"),
        (b"", "connection lost"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "connection lost"),
    ],
)
def test_an_answer_that_is_none_is_the_server_s_failure(
    serve: Callable[[Answer], str], kind: str, answer: bytes, told: str
) -> None:
    error = ask(kind, serve(lambda connection: connection.sendall(answer)))
    assert error.failure.error_class is ErrorClass.SERVER
    assert told in error.failure.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_nobody_knows_is_told_as_such(kind: str) -> None:
    error = ask(kind, "http://nowhere.invalid")
    assert error.failure.error_class is ErrorClass.SERVER
    assert "can't be resolved; check base_url" in error.failure.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_where_nobody_listens_is_a_lost_connection(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert ask(kind, f"http://127.0.0.1:{port}").failure.error_class is ErrorClass.SERVER


def drip(first: bytes, each: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(3000):
            time.sleep(0.02)
            connection.sendall(each)

    return answer


def pause_after(first: bytes, after_s: float) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        time.sleep(after_s)
        connection.sendall(b" ")
        time.sleep(60)

    return answer


@pytest.mark.parametrize("kind", ["anthropic", "openai", "bedrock"])
@pytest.mark.parametrize(
    "answer",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b" "),
        drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        pause_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", 0.25),
        lambda _: time.sleep(60),
    ],
    ids=["body", "headers", "a last pause", "silence"],
)
def test_an_answer_that_only_drips_ends_at_the_deadline(
    serve: Callable[[Answer], str], kind: str, answer: Answer
) -> None:
    url = serve(answer)
    began = time.monotonic()
    error = ask(kind, url, timeout_s=0.4)
    assert error.failure.error_class is ErrorClass.TIMEOUT
    assert time.monotonic() - began < 30, "the server goes on for a minute"


@pytest.mark.parametrize("kind", ["anthropic", "openai", "bedrock"])
def test_an_answer_without_end_is_cut_off(
    serve: Callable[[Answer], str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LONGEST_ANSWER_BYTES", 1_000_000)

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")

    error = ask(kind, serve(answer))
    assert error.failure.error_class is ErrorClass.SERVER
    assert "did not end within the size" in error.failure.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "500 Internal Server Error", "200 OK"])
def test_a_key_that_a_server_quotes_is_told_to_nobody_whatever_it_looks_like(
    serve: Callable[[Answer], str], kind: str, status: str
) -> None:
    def quote(connection: socket.socket) -> None:
        body = json.dumps({"error": {"message": f"the key {KEY} is no good", "code": 401}}).encode()
        connection.sendall(http(body).replace(b"200 OK", status.encode()))

    error = ask(kind, serve(quote))
    shown = "".join(traceback.format_exception(error)) + repr(error.failure)
    assert KEY not in shown
