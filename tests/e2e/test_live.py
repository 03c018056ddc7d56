"""Live updates on the embedded cloud: from a job's end to a frame at an open socket."""

import json
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from .stack import Json, Stack

pytestmark = pytest.mark.e2e

_PATIENCE_S = 60.0
_A_WHILE_S = 5.0
"""Longer than it takes until a new socket is known everywhere."""


@pytest.fixture
def ticket(stack: Stack) -> str:
    """A URL that opens one socket."""
    return str(stack.post("/api/tickets")["url"])


@pytest.fixture
def socket(stack: Stack, ticket: str) -> Iterator[ClientConnection]:
    """A socket that is known to be told."""
    with connect(ticket, proxy=None) as opened:
        stack.until(lambda: hears_anything(stack, opened), _PATIENCE_S)
        yield opened


def hears_anything(stack: Stack, socket: ClientConnection) -> bool:
    stack.submit("obey", {})
    try:
        return bool(socket.recv(_A_WHILE_S))
    except TimeoutError:
        return False


def heard_of(stack: Stack, socket: ClientConnection, job_id: str, state: str) -> Json:
    """The frame that tells of a job in a state."""

    def look() -> Json | None:
        frame: Json = json.loads(socket.recv(_PATIENCE_S))
        told = {(job["id"], job["state"]) for job in frame.get("jobs", ())}
        return frame if (job_id, state) in told else None

    return stack.until(look, _PATIENCE_S)


def test_a_job_s_end_arrives_at_an_open_socket(stack: Stack, socket: ClientConnection) -> None:
    job = stack.submit("obey", {"text": "heard"})
    frame = heard_of(stack, socket, job["id"], "completed")
    assert frame["type"] == "changes"
    assert frame["arrivals"]["obey"]["completed"] >= 1
    assert stack.job(job["id"])["state"] == "completed"


def test_a_ticket_opens_no_second_socket(socket: ClientConnection, ticket: str) -> None:
    with pytest.raises(InvalidStatus):
        connect(ticket, proxy=None)


def test_sockets_open_below_the_page_s_name(stack: Stack) -> None:
    ticket = stack.post("/api/tickets")["ticket"]
    page = stack.cloud.dashboard_url.replace("http", "ws", 1).rstrip("/")
    with connect(f"{page}/live?ticket={ticket}", proxy=None) as socket:
        stack.until(lambda: hears_anything(stack, socket), _PATIENCE_S)
