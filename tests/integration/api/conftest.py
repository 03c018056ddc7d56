"""The real handler, called with events as an HTTP API sends them, over the stack in moto."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backstay.access.key_store import IssuedKey, KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.catalog import Catalog
from backstay.settings import Environment

TASKS = Path(__file__).parents[2] / "tasks"
ALL_SCOPES = ("submit", "read", "operate")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def fields(self) -> dict[str, str]:
        """The fields at fault that a problem names, each with what is said of it."""
        return {error["field"]: error["message"] for error in self.json.get("errors", [])}


@dataclass
class Client:
    """A caller with a key."""

    call: Callable[..., dict[str, Any]]
    key: str | None = None
    correlation_ids: list[str] = field(default_factory=list)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        raw: str | bytes | None = None,
    ) -> Answer:
        """Send one request. `raw` is a body as it is; bytes travel in base64, as API Gateway sends what is no text."""
        sent = {"host": "api.test", **({"authorization": f"Bearer {self.key}"} if self.key else {}), **(headers or {})}
        text = raw if raw is not None else None if body is None else json.dumps(body)
        if isinstance(text, bytes):
            text = base64.b64encode(text).decode()
        if text is not None:
            sent.setdefault("content-type", "application/json")
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "&".join(f"{k}={v}" for k, v in (query or {}).items()),
            "queryStringParameters": query,
            "headers": sent,
            "requestContext": {
                "stage": "$default",
                "requestId": "request-1",
                "http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
            },
            "body": text,
            "isBase64Encoded": isinstance(raw, bytes),
        }
        answer = self.call(event, SimpleNamespace(aws_request_id="lambda-1", function_name="api"))
        content = answer["body"]
        return Answer(answer["statusCode"], {k.lower(): v for k, v in answer["headers"].items()}, content)


@pytest.fixture
def key_store(cloud: Environment) -> KeyStore:
    return KeyStore(cloud.keys_table, WebhookSecrets(cloud.secret_prefix))


@pytest.fixture
def handler(cloud: Environment, catalog: Catalog) -> Iterator[Callable[..., dict[str, Any]]]:
    """The Lambda's handler, over the tasks of tests/tasks."""
    from api.handler import handler
    from api.services import Services, use

    use(Services(cloud, TASKS))
    yield handler
    use(None)


@pytest.fixture
def told(cloud: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says what the stack would say, for what reads it anew."""
    for name, value in asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    monkeypatch.setenv("BACKSTAY_LIVE_URL", "wss://live.test/live")


@pytest.fixture
def issue(key_store: KeyStore) -> Callable[..., IssuedKey]:
    """Issues a key: `issue("newsroom", "read")`."""

    def issue(tenant: str, *scopes: str, webhook: bool = False) -> IssuedKey:
        return key_store.create("a test's", tenant, scopes or ALL_SCOPES, webhook=webhook)

    return issue


@pytest.fixture
def client(handler: Callable[..., dict[str, Any]], issue: Callable[..., IssuedKey]) -> Callable[..., Client]:
    """Makes callers: `client("newsroom", "read")` has a key of that tenant and scope, `client()` one for everything."""

    def client(tenant: str = "*", *scopes: str, webhook: bool = False) -> Client:
        return Client(handler, issue(tenant, *scopes, webhook=webhook).key)

    return client


@pytest.fixture
def stranger(handler: Callable[..., dict[str, Any]]) -> Client:
    """A caller without a key."""
    return Client(handler)
