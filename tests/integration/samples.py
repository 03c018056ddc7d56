"""The whole app in moto, for sample events: its API, its workers, its own configuration, a model server, a receiver."""

import importlib
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from backstay import aws, config
from backstay.access.key_store import KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.circuits import Circuits
from backstay.config import FILE_NAME
from backstay.llm.process import forget_switchboard
from backstay.settings import Environment
from cli.api import Api
from cli.demo.outcome import Outcome
from cli.demo.scenarios import Events, Scenario, groups_of
from cli.demo.sender import Sender
from cli.local.inbox import Inbox
from cli.local.providers import Providers, read_base
from cli.local.state import LocalCloud
from cli.target import Target
from tests.integration.conftest import Context, Machine

ROOT = Path(__file__).parents[2]
EVENTS, FUNCTIONS = ROOT / "events", ROOT / "functions"
RAW = EVENTS / "lambda"
"""What Lambda is handed, where that is no work that a caller sends."""

_SQS = "https://sqs.us-east-1.amazonaws.com"
_ALL_DONE: dict[str, list[object]] = {"batchItemFailures": []}
_ROUNDS = 20
_BETWEEN_ROUNDS_S = 60


def handler_of(name: str) -> Callable[..., Any]:
    """The handler of a Lambda that runs no task."""
    handler: Callable[..., Any] = importlib.import_module(f"{name.replace('-', '_')}.handler").handler
    return handler


def forget_processes() -> None:
    """What functions keep for the life of a process is of another test's cloud."""
    ours = ("backstay", *(path.parent.name for path in FUNCTIONS.glob("*/__init__.py")))
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ours:
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    importlib.import_module("api.services").use(None)


def providers_of(llm_url: str, inbox_pair: str, env: Environment) -> str:
    """Put the model server's secrets in place; answers the backstay.toml that the embedded cloud would deploy."""
    from backstay.config import dump

    providers = Providers.on_model_server(read_base(ROOT / FILE_NAME), llm_url, inbox_pair)
    for name, value in providers.secrets.items():
        aws.secretsmanager().create_secret(Name=env.secret_prefix + name, SecretString=value)
    return dump(providers.config)


@contextmanager
def inbox() -> Iterator[str]:
    """A receiver of webhooks, as the embedded cloud has one; answers its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Inbox(listener)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Gateway(httpx.BaseTransport):
    """Hands a request to the API's handler as an HTTP API does."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": request.url.query.decode(),
            "queryStringParameters": dict(request.url.params),
            "headers": dict(request.headers),
            "requestContext": {
                "stage": "$default",
                "requestId": "request-1",
                "http": {"method": request.method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
            },
            "body": request.read().decode(),
            "isBase64Encoded": False,
        }
        answer = handler_of("api")(event, SimpleNamespace(aws_request_id="lambda-1", function_name="api"))
        return httpx.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])


@dataclass
class House:
    """One cloud from outside and from inside."""

    machine: Machine
    llm_url: str
    inbox_url: str

    def __post_init__(self) -> None:
        env = self.machine.env
        store = KeyStore(env.keys_table, WebhookSecrets(env.secret_prefix))
        self.key = store.create("samples", "*", ("submit", "read", "operate"), webhook=True)

    def run(self, events: Events) -> dict[str, Outcome]:
        """Send a task's scenarios as the demo does; answers how each ended."""
        cloud = LocalCloud(
            api_url="https://api.test",
            api_key=self.key.key,
            endpoint_url=_SQS,
            llm_url=self.llm_url,
            inbox_url=self.inbox_url,
            dashboard_url="",
            stage="test",
            queues={task.name: self.machine.env.queue_url(task.queue_name("normal")) for task in self.machine.catalog},
            outputs={},
        )
        api = Api(Target("moto", cloud.api_url, cloud.api_key, {}, {}, is_local=True))
        api._http = httpx.Client(transport=_Gateway(), headers=api._http.headers)
        sender = Sender(cloud, api)
        outcomes: dict[str, Outcome] = {}
        for group in groups_of(events.entries):
            self._run(sender, events, [scenario for _, scenario in group], outcomes)
        return outcomes

    def _run(self, sender: Sender, events: Events, group: list[Scenario], outcomes: dict[str, Outcome]) -> None:
        for scenario in group:
            outcomes[scenario.name] = sender.send(events.task, scenario, events.input_of(scenario))
        for _ in range(_ROUNDS):
            for name in self.machine.catalog.names:
                self.work(name)
            outcomes |= {scenario.name: sender.look(outcomes[scenario.name]) for scenario in group}
            if all(outcomes[scenario.name].is_over for scenario in group):
                return
            self.pass_time()

    def work(self, name: str) -> None:
        """Let a task's worker take what lies in its queues: one by one, since moto's conditional writes aren't atomic
        and two messages of one job may lie there."""
        task, env = self.machine.catalog.get(name), self.machine.env
        for queue in task.queue_names():
            for record in self.machine.receive(queue):
                context = Context(remaining_ms=task.limits.function_timeout_s * 1000)
                if self.machine.worker(name).handle({"Records": [record]}, context) == _ALL_DONE:
                    aws.sqs().delete_message(QueueUrl=env.queue_url(queue), ReceiptHandle=record["receiptHandle"])

    def pass_time(self) -> None:
        """A minute later: whatever was hidden or delayed comes, and no provider's Retry-After holds any more."""
        self.machine.clock.advance(_BETWEEN_ROUNDS_S)
        circuits = Circuits(config.load(), self.machine.env.guards_table)
        for provider in config.load().providers:
            circuits.reset(provider)
        forget_switchboard()
        for task in self.machine.catalog:
            for queue in task.queue_names():
                self.machine.make_visible(queue)

    def raw(self, name: str) -> dict[str, Any]:
        """The sample of what Lambda is handed, with what this cloud has in the place of its marks."""
        text = (RAW / f"{name}.json").read_text()
        marks = {"{api_key}": self.key.key, "{key_id}": self.key.record.key_id, "{inbox}": self.inbox_url}
        for mark, value in marks.items():
            text = text.replace(mark, value)
        event: dict[str, Any] = json.loads(text)
        return event

    def delivered(self) -> list[dict[str, Any]]:
        """The webhooks that arrived."""
        kept: list[dict[str, Any]] = httpx.get(self.inbox_url, trust_env=False).json()
        return kept
