"""A deployment whose providers are one real llmock server, with keys in a Secrets Manager of moto's."""

import contextlib
import dataclasses
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock
from moto import mock_aws

from backstay import aws
from backstay.llm.process import forget_switchboard
from backstay.running import Job, current_job
from backstay.settings import Environment
from tests.moto_in_turn import in_turn

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    **{f"BACKSTAY_{field.name.upper()}": "-" for field in dataclasses.fields(Environment)},
    "BACKSTAY_SECRET_PREFIX": "backstay/test/",
    "BACKSTAY_CACHE_TABLE": "cache",
    "BACKSTAY_GUARDS_TABLE": "guards",
}


def make_table(name: str, key: str, *by_list: str) -> None:
    """Make a table that the stack would make; with the keys of its index `by_list`, where it has one."""
    request: dict[str, Any] = {
        "TableName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": "S"} for attribute in (key, *by_list)],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if by_list:
        schema = [{"AttributeName": at, "KeyType": kind} for at, kind in zip(by_list, ("HASH", "RANGE"), strict=True)]
        index = {"IndexName": "by_list", "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        request["GlobalSecondaryIndexes"] = [index]
    aws.dynamodb().create_table(**request)


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Deploys a backstay.toml of the test's own into this process."""

    def deploy(toml: str) -> None:
        path = tmp_path / "backstay.toml"
        path.write_text(toml)
        monkeypatch.setenv("BACKSTAY_CONFIG", str(path))
        forget_switchboard()

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(), in_turn():
        aws.forget_clients()
        make_table("cache", "key")
        make_table("guards", "id", "list", "listed_at")
        yield deploy
        aws.forget_clients()
    forget_switchboard()


@pytest.fixture
def providers(configure: Callable[[str], None], llmock: LLMock) -> LLMock:
    """Anthropic, OpenAI and a compatible server, all of them llmock, all with a key where they need one."""
    configure(
        f"""
        [providers.anthropic]
        kind = "anthropic"
        secret = "provider/anthropic"
        base_url = "{llmock.base_url("anthropic")}"
        [providers.openai]
        kind = "openai"
        secret = "provider/openai"
        base_url = "{llmock.base_url("openai")}"
        [providers.house]
        kind = "compatible"
        base_url = "{llmock.base_url("openai")}"
        timeout_s = 3
        [routes]
        default = ["anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna"]
        [prices."house/tiny"]
        input = 1000000
        output = 0
        [budgets.total]
        """
    )
    for name in ("anthropic", "openai"):
        aws.secretsmanager().create_secret(Name=f"backstay/test/provider/{name}", SecretString=f"key-of-{name}\n")
    return llmock


@pytest.fixture
def job() -> Iterator[Job]:
    """A job that is running."""
    job = Job()
    token = current_job.set(job)
    yield job
    current_job.reset(token)


def read_request(connection: socket.socket) -> None:
    """Read a request whole: what is left unread when a connection closes takes the answer with it."""
    with connection.makefile("rb") as request:
        request.readline()
        request.read(int(http.client.parse_headers(request).get("content-length", 0)))


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts a server that reads a request and then does what it is told; answers its URL."""
    listeners: list[socket.socket] = []

    def start(answer: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return  # the test is over
                with connection, contextlib.suppress(OSError):
                    read_request(connection)
                    answer(connection)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()
