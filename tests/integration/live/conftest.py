"""The live function over moto, with sockets that only remember what was posted to them."""

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from backstay import aws
from backstay.access.authenticator import Authenticator
from backstay.access.key import digest_of
from backstay.access.key_store import IssuedKey, KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.clock import epoch_ms
from backstay.live.changes import Changes
from backstay.live.connections import ConnectionStore
from backstay.live.pushing import Outcome, Pusher, Sockets
from backstay.live.telling import QUEUE
from backstay.settings import Environment
from live import handler as live
from tests.integration.conftest import SettableClock


@dataclass
class Gateway:
    """API Gateway, as far as sockets are concerned."""

    env: Environment
    clock: SettableClock
    store: ConnectionStore = field(init=False)
    keys: KeyStore = field(init=False)
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    age: timedelta = timedelta(0)
    """Of what lies in the queue."""

    def __post_init__(self) -> None:
        self.store = ConnectionStore(self.env.connections_table, self.clock)
        self.keys = KeyStore(self.env.keys_table, WebhookSecrets(self.env.secret_prefix), self.clock)

    def connect(self, connection_id: str, ticket: str | None) -> int:
        """Open a socket; answers the handshake's status."""
        query = None if ticket is None else {"ticket": ticket}
        event = {"requestContext": {"eventType": "CONNECT", "connectionId": connection_id}}
        return int(live.handler(event | {"queryStringParameters": query}, None)["statusCode"])

    def watch(self, connection_id: str, tenant: str) -> IssuedKey:
        """Open a socket for a new key of a tenant."""
        issued = self.keys.create("a watcher's", tenant, ["read"])
        assert self.connect(connection_id, self.store.issue(tenant, digest_of(issued.key)).text) == 200
        return issued

    def post(self, connection_id: str, frame: bytes) -> Outcome:
        """What the real gateway does with a frame."""
        if connection_id in self.gone:
            return Outcome.GONE
        self.posted.append((connection_id, json.loads(frame)))
        return Outcome.SENT

    def tell(self, audience: str, changes: Changes) -> None:
        """Put a message in the queue, as those who see changes do."""
        body = json.dumps({"audience": audience, "changes": changes.to_plain()})
        aws.sqs().send_message(QueueUrl=self.env.queue_url(QUEUE), MessageBody=body)

    def deliver(self) -> list[str]:
        """Hand what lies in the queue to the function; answers the messages that it keeps."""
        url = self.env.queue_url(QUEUE)
        received = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        now = str(epoch_ms(self.clock() - self.age))
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": {"SentTimestamp": now},
            }
            for message in received
        ]
        answer = live.handler({"Records": records}, None) if records else {"batchItemFailures": []}
        kept = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in kept:
                aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=record["receiptHandle"])
        return sorted(kept)


@pytest.fixture
def gateway(cloud: Environment, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A gateway without sockets."""
    made = Gateway(cloud, clock)
    aws.sqs().create_queue(QueueName=f"backstay-test-{QUEUE}", Attributes={"VisibilityTimeout": "20"})
    pusher = Pusher(Sockets(made.store, Authenticator(cloud.keys_table, clock).stands, made.post, clock))
    monkeypatch.setattr(live, "_connections", lambda: made.store)
    monkeypatch.setattr(live, "_pusher", lambda: pusher)
    for name, value in dataclasses.asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    return made
