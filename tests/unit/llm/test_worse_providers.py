"""Each way in which a provider can be worse than down: a class, a message to act on, and nothing in the logs of what
was asked, what was answered, and the key."""

import itertools
import json
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from backstay import aws, llm
from backstay.errors import ErrorClass
from backstay.llm.providers import transport
from backstay.resilience.breaker import CircuitOpen
from backstay.telemetry import logger

KEY, PROMPT, ANSWER = "sk-canary-of-the-key", "canary of the prompt", "canary of the answer"
KINDS = ["anthropic", "compatible"]
ROUTE = "house/tiny"

Server = Callable[[socket.socket], None]


class Verdict(BaseModel):
    label: str


def http(status: int, body: str, kind: str = "application/json") -> Server:
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return lambda connection: connection.sendall((head + body).encode())


def answers(text: str, *, ended: bool = True) -> Callable[[str], Server]:
    """An answer in each kind's protocol."""
    anthropic = {
        "type": "message",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn" if ended else "max_tokens",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    openai = {
        "choices": [
            {"message": {"role": "assistant", "content": text}, "finish_reason": "stop" if ended else "length"}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    return lambda kind: http(200, json.dumps(anthropic if kind == "anthropic" else openai))


def refuses(status: int, message: str, **more: object) -> Callable[[str], Server]:
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error", **more}})
    return lambda _: http(status, body)


def pours(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + ANSWER.encode().ljust(65536) + b"\r\n")


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
    for letter in itertools.cycle(ANSWER):
        time.sleep(0.02)
        connection.sendall(letter.encode())


@dataclass(frozen=True)
class Case:
    server: Callable[[str], Server]
    expected: ErrorClass
    told: str
    """What an operator reads, who can act on it."""


FLAGGED = {"code": 403, "metadata": {"reasons": ["violence"], "flagged_input": PROMPT}}
CASES = {
    "cut off": Case(
        answers(f'{{"label": "{ANSWER}', ended=False), ErrorClass.INVALID_OUTPUT, "raise max_output_tokens"
    ),
    "prose": Case(answers(f"Well: {ANSWER}"), ErrorClass.INVALID_OUTPUT, "make the prompt clearer"),
    "no fit": Case(answers(f'{{"text": "{ANSWER}"}}'), ErrorClass.INVALID_OUTPUT, "label: Field required"),
    "empty": Case(answers(" "), ErrorClass.INVALID_OUTPUT, "the answer is empty; make the prompt clearer"),
    "web page": Case(
        lambda _: http(200, f"<html>{ANSWER}", "text/html"), ErrorClass.SERVER, "is base_url the API's address?"
    ),
    "endless": Case(lambda _: pours, ErrorClass.SERVER, "did not end within the size that an answer can have"),
    "drip": Case(lambda _: drips, ErrorClass.TIMEOUT, "raise timeout_s of [providers.house]"),
    "wrong key": Case(refuses(401, f"Incorrect API key: {KEY}"), ErrorClass.AUTH, "(backstay secrets set NAME)"),
    "no such model": Case(refuses(404, "No such model"), ErrorClass.INVALID_REQUEST, "no model tiny at house"),
    "flagged": Case(refuses(403, "Input flagged", **FLAGGED), ErrorClass.MODERATION, "look at the job's input"),
    "out of order": Case(refuses(500, "Oh"), ErrorClass.SERVER, "house/tiny: 500: Oh"),
}


@pytest.fixture(autouse=True)
def _short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST_ANSWER_BYTES", 1_000_000)


@pytest.fixture
def deploy(configure: Callable[[str], None]) -> Callable[[str, str], None]:
    """A provider of a kind at a URL, and no other."""

    def at(kind: str, url: str) -> None:
        configure(
            f"""
            [providers.house]
            kind = "{kind}"
            secret = "provider/house"
            base_url = "{url}"
            timeout_s = 3
            [providers.house.limits]
            [routes]
            default = ["{ROUTE}"]
            [prices."{ROUTE}"]
            input = 0
            output = 0
            """
        )
        aws.secretsmanager().create_secret(Name="backstay/test/provider/house", SecretString=KEY)

    return at


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """All that was written so far, whoever wrote it and however little it matters."""
    caplog.set_level(logging.DEBUG)

    def everything() -> str:
        written = capfd.readouterr()
        return "\n".join((caplog.text, *(str(vars(record)) for record in caplog.records), *written))

    return everything


def ask() -> llm.LLMError:
    """Ask as a task that logs what it meets."""
    with pytest.raises(llm.LLMError) as caught:
        llm.complete(PROMPT, output=Verdict)
    logger().warning("what now?", exc_info=caught.value)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_it_has_a_class_and_a_message_and_leaves_no_words_in_the_logs(name, kind, deploy, serve, logged) -> None:
    case = CASES[name]
    deploy(kind, serve(case.server(kind)))
    error = ask()
    assert error.failure.error_class is case.expected
    assert case.told in error.failure.message
    assert "house/tiny" in error.failure.message
    assert "canary" not in error.failure.message
    assert "what now?" in (text := logged())
    assert "canary" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_nobody_knows_is_told_as_such(kind, deploy, logged) -> None:
    deploy(kind, "http://nowhere.invalid")
    error = ask()
    assert error.failure.error_class is ErrorClass.SERVER
    assert "its host name can't be resolved; check base_url and the network" in error.failure.message
    assert "canary" not in logged()


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_well_leaves_no_words_in_the_logs_either(kind, deploy, serve, logged) -> None:
    deploy(kind, serve(answers(f'{{"label": "{ANSWER}"}}')(kind)))
    assert llm.complete(PROMPT, output=Verdict).label == ANSWER
    assert "canary" not in logged()


def test_guards_and_cache_that_can_not_be_reached_are_told_without_words(deploy, serve, logged, job) -> None:
    deploy("compatible", serve(answers(f'{{"label": "{ANSWER}"}}')("compatible")))
    for table in ("guards", "cache"):
        aws.dynamodb().delete_table(TableName=table)
    assert llm.complete(PROMPT, output=Verdict, cache=True).label == ANSWER
    assert "circuit state can't be read" in (text := logged())
    assert "canary" not in text


def test_a_breaker_that_opens_tells_no_words(deploy, serve, logged) -> None:
    deploy("compatible", serve(refuses(500, "Oh")("compatible")))
    for _ in range(5):
        ask()
    with pytest.raises(CircuitOpen):
        llm.complete(PROMPT, output=Verdict)
    assert "circuit_changed" in (text := logged())
    assert "canary" not in text
