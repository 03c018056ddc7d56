"""Sockets open and close here, and what changed is pushed over them."""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from backstay.live.connections import ConnectionStore, TicketError
from backstay.settings import Environment
from backstay.telemetry import logger

if TYPE_CHECKING:
    from backstay.live.pushing import Outcome, Pusher

CALLBACK_URL = "BACKSTAY_LIVE_CALLBACK_URL"
"""Where API Gateway takes what is to be pushed."""

_AGAIN_S = 1


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Answer what a socket does, or push what lies in the queue."""
    if "Records" in event:
        return _push(event["Records"])
    socket = event["requestContext"]
    if socket["eventType"] == "CONNECT":
        return _open(socket["connectionId"], (event.get("queryStringParameters") or {}).get("ticket", ""))
    _connections().close(socket["connectionId"])
    return {"statusCode": 200}


def _open(connection_id: str, ticket: str) -> dict[str, Any]:
    try:
        connection = _connections().open(ticket, connection_id)
    except TicketError as error:
        logger().info("a socket was refused", security_event="unauthenticated", reason=str(error))
        return {"statusCode": 403}
    logger().info("a socket was opened", connection_id=connection_id, audience=connection.audience)
    return {"statusCode": 200}


def _push(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Those who were told within this second are told in the next one, of this too."""
    import json

    from backstay.clock import from_epoch_ms
    from backstay.live.changes import Changes
    from backstay.live.pushing import Message

    def message_of(record: Mapping[str, Any]) -> Message:
        body = json.loads(record["body"])
        sent_at = from_epoch_ms(int(record["attributes"]["SentTimestamp"]))
        return Message(record["messageId"], body["audience"], Changes.from_plain(body["changes"]), sent_at)

    later = _pusher().push(map(message_of, records))
    for record in records:
        if record["messageId"] in later:
            _hide(record)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(later)]}


def _hide(record: Mapping[str, Any]) -> None:
    from backstay import aws
    from backstay.live.telling import QUEUE

    aws.sqs().change_message_visibility(
        QueueUrl=Environment.read().queue_url(QUEUE), ReceiptHandle=record["receiptHandle"], VisibilityTimeout=_AGAIN_S
    )


def _post(connection_id: str, frame: bytes) -> "Outcome":
    from backstay import aws
    from backstay.live.pushing import Outcome

    client = aws.sockets(os.environ[CALLBACK_URL])
    try:
        client.post_to_connection(ConnectionId=connection_id, Data=frame)
    except client.exceptions.GoneException:
        return Outcome.GONE
    return Outcome.SENT


@cache
def _connections() -> ConnectionStore:
    return ConnectionStore(Environment.read().connections_table)


@cache
def _pusher() -> "Pusher":
    from backstay.access.authenticator import Authenticator
    from backstay.live.pushing import Pusher, Sockets

    return Pusher(Sockets(_connections(), Authenticator(Environment.read().keys_table).stands, _post))
