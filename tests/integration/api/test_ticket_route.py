"""Tickets for sockets, as callers get them."""

from typing import Any

import pytest

from backstay.access.key import digest_of
from backstay.live.connections import ConnectionStore
from backstay.settings import Environment


@pytest.fixture(autouse=True)
def told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKSTAY_LIVE_URL", "wss://abc.execute-api.eu-central-1.amazonaws.com/live")


def test_a_ticket_opens_a_socket_of_the_key_s_tenant_and_is_not_the_key(client: Any, cloud: Environment) -> None:
    caller = client("newsroom", "read")
    answer = caller("POST", "/api/tickets")
    assert answer.status == 201
    ticket = answer.json["ticket"]
    assert answer.json["url"] == f"wss://abc.execute-api.eu-central-1.amazonaws.com/live?ticket={ticket}"
    assert caller.key not in answer.text
    connection = ConnectionStore(cloud.connections_table).open(ticket, "c1")
    assert (connection.audience, connection.key_hash) == ("newsroom", digest_of(caller.key))


def test_a_key_for_all_tenants_watches_all(client: Any, cloud: Environment) -> None:
    ticket = client()("POST", "/api/tickets").json["ticket"]
    assert ConnectionStore(cloud.connections_table).open(ticket, "c1").audience == "*"


def test_every_ticket_is_another(client: Any) -> None:
    caller = client()
    assert len({caller("POST", "/api/tickets").json["ticket"] for _ in range(3)}) == 3
