"""The connections table: tickets that open sockets, the sockets that are open, and who was told when."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from backstay import aws
from backstay.clock import Clock, epoch_ms, iso, utc_now
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError

TICKET_LASTS = timedelta(seconds=30)
CONNECTION_LASTS = timedelta(hours=2)
"""API Gateway ends a connection after so long; a record that is older is of one whose end nobody told."""

BEAT = timedelta(seconds=1)
"""An audience is told at most once in such a time."""

_BEAT_KEPT = timedelta(hours=1)
_TICKET_BYTES = 32
_LIST, _LIST_INDEX = "open", "by_list"


class TicketError(BackstayError):
    """The ticket opens nothing: it is unknown, was used, or is too old. Which of these is nobody's business."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What opens one socket, once. Only its hash is kept."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """An open socket."""

    id: str
    audience: str
    """The tenant whose changes it is told, or `*` for everybody's."""
    key_hash: str
    """Of the API key that the ticket was bought with: once that ends, nothing more is told."""


class ConnectionStore:
    """The connections of one stage.

    Args:
        table: the connections table's name.
        clock: tells the time.
    """

    def __init__(self, table: str, clock: Clock = utc_now) -> None:
        self._table, self._clock = table, clock

    def issue(self, audience: str, key_hash: str) -> Ticket:
        """A ticket for whoever holds this key."""
        ticket = Ticket(secrets.token_urlsafe(_TICKET_BYTES), self._clock() + TICKET_LASTS)
        item = {
            "id": _ticket_id(ticket.text),
            "audience": audience,
            "key_hash": key_hash,
            "expires_ms": epoch_ms(ticket.expires_at),
            "ttl": epoch_ms(ticket.expires_at) // 1000,
        }
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))
        return ticket

    def open(self, ticket: str, connection_id: str) -> Connection:
        """Take a ticket, and note the socket that it opens.

        Raises:
            TicketError: it opens nothing.
        """
        dynamodb = aws.dynamodb()
        try:
            answer = dynamodb.delete_item(
                TableName=self._table,
                Key=encode_item({"id": _ticket_id(ticket)}),
                ConditionExpression="expires_ms > :now",
                ExpressionAttributeValues=encode_item({":now": epoch_ms(self._clock())}),
                ReturnValues="ALL_OLD",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise TicketError("the ticket is not valid; get another: POST /api/tickets") from error
        taken = decode_item(answer["Attributes"])
        connection = Connection(connection_id, taken["audience"], taken["key_hash"])
        now = self._clock()
        item = {
            "id": _connection_key(connection.id),
            "connection_id": connection.id,
            "audience": connection.audience,
            "key_hash": connection.key_hash,
            "list": _LIST,
            "opened_at": iso(now),
            "ttl": epoch_ms(now + CONNECTION_LASTS) // 1000,
        }
        dynamodb.put_item(TableName=self._table, Item=encode_item(item))
        return connection

    def close(self, connection_id: str) -> None:
        """Forget a socket; one that is not there needs no forgetting."""
        key = encode_item({"id": _connection_key(connection_id)})
        aws.dynamodb().delete_item(TableName=self._table, Key=key)

    def all(self) -> tuple[Connection, ...]:
        """Every open socket. There are as many as people who look, so that they are read together."""
        oldest = self._clock() - CONNECTION_LASTS
        found = aws.query_all(
            TableName=self._table,
            IndexName=_LIST_INDEX,
            KeyConditionExpression="#list = :open AND opened_at > :oldest",
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues=encode_item({":open": _LIST, ":oldest": iso(oldest)}),
        )
        items = map(decode_item, found)
        return tuple(Connection(item["connection_id"], item["audience"], item["key_hash"]) for item in items)

    def take_turn(self, audience: str) -> bool:
        """Whether the audience may be told now; if so, nobody else may tell it until the beat is over."""
        dynamodb, now = aws.dynamodb(), self._clock()
        try:
            dynamodb.update_item(
                TableName=self._table,
                Key=encode_item({"id": f"beat#{audience}"}),
                UpdateExpression="SET at_ms = :now, #ttl = :ttl",
                ConditionExpression="attribute_not_exists(at_ms) OR at_ms <= :before",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=encode_item(
                    {
                        ":now": epoch_ms(now),
                        ":before": epoch_ms(now - BEAT),
                        ":ttl": epoch_ms(now + _BEAT_KEPT) // 1000,
                    }
                ),
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _ticket_id(ticket: str) -> str:
    return f"ticket#{hashlib.sha256(ticket.encode()).hexdigest()}"


def _connection_key(connection_id: str) -> str:
    return f"connection#{connection_id}"
