"""A caller of the HTTP API: its real handler, called with events as API Gateway sends them."""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from backstay.access.key import ApiKey, Scope, digest_of, new_key, new_key_id
from backstay.clock import utc_now
from backstay.settings import Environment
from bench.cloud import FUNCTIONS

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class RefusedError(Exception):
    """The API did not do what it was asked for."""


class Caller:
    """Submits jobs with a key, and keeps what the API wrote into its log."""

    def __init__(self, handler: Handler, prepare: Callable[[], None]) -> None:
        self._handler, self._prepare = handler, prepare
        self.key_id = new_key_id()
        self._key = new_key(self.key_id)
        self.log = io.StringIO()

    def key_item(self, tenant: str = "default", scopes: frozenset[Scope] = frozenset({Scope.SUBMIT})) -> dict[str, Any]:
        """What the keys table holds of the caller's key."""
        record = ApiKey(self.key_id, "bench", tenant, scopes, utc_now())
        return {"key_hash": digest_of(self._key), **record.to_item()}

    def event(self, task: str, work: dict[str, Any]) -> dict[str, Any]:
        """A request to submit a job."""
        return {**self._request("POST", "/api/jobs"), "body": json.dumps({"task": task, "input": work})}

    def read(self, path: str) -> dict[str, Any]:
        """What the API answers there.

        Raises:
            RefusedError: quotes the answer.
        """
        return self._answer(self._request("GET", path), 200)

    def _request(self, method: str, path: str) -> dict[str, Any]:
        http = {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "authorization": f"Bearer {self._key}",
                "content-type": "application/json",
                "host": "api.bench",
            },
            "requestContext": {"stage": "$default", "requestId": "request-1", "http": http},
            "isBase64Encoded": False,
        }

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """The job that the API answers with.

        Raises:
            RefusedError: quotes the answer.
        """
        return self._answer(event, 202)

    def _answer(self, event: dict[str, Any], status: int) -> dict[str, Any]:
        self._prepare()
        with contextlib.redirect_stdout(self.log):
            answer = self._handler(event, SimpleNamespace(aws_request_id="lambda-1", function_name="api"))
        if answer["statusCode"] != status:
            raise RefusedError(f"{answer['statusCode']}: {answer['body']}")
        document: dict[str, Any] = json.loads(answer["body"])
        return document


@contextmanager
def caller(env: Environment, tasks: Path) -> Iterator[Caller]:
    """A caller of an API that knows the tasks in a folder."""
    if str(FUNCTIONS) not in sys.path:
        sys.path.insert(0, str(FUNCTIONS))
    from api.handler import handler
    from api.services import Services, use

    services = Services(env, tasks)
    try:
        yield Caller(handler, lambda: use(services))  # there may be several callers, each of its own tables
    finally:
        use(None)
