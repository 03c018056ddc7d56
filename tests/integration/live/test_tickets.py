"""What opens a socket, and what does not."""

from concurrent.futures import ThreadPoolExecutor

from backstay import aws
from backstay.live.connections import TICKET_LASTS
from tests.integration.live.conftest import Gateway


def test_a_ticket_opens_one_socket_of_its_tenant(gateway: Gateway) -> None:
    ticket = gateway.store.issue("acme", "hash").text
    assert gateway.connect("c1", ticket) == 200
    (connection,) = gateway.store.all()
    assert (connection.id, connection.audience, connection.key_hash) == ("c1", "acme", "hash")


def test_a_ticket_that_was_used_opens_nothing(gateway: Gateway) -> None:
    ticket = gateway.store.issue("acme", "hash").text
    assert [gateway.connect("c1", ticket), gateway.connect("c2", ticket)] == [200, 403]
    assert [connection.id for connection in gateway.store.all()] == ["c1"]


def test_of_many_who_show_one_ticket_at_once_one_gets_in(gateway: Gateway) -> None:
    ticket = gateway.store.issue("acme", "hash").text
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: gateway.connect(f"c{number}", ticket), range(8)))
    assert sorted(answers) == [200, *[403] * 7]
    assert len(gateway.store.all()) == 1


def test_a_ticket_that_is_too_old_opens_nothing(gateway: Gateway) -> None:
    ticket = gateway.store.issue("acme", "hash").text
    gateway.clock.advance(TICKET_LASTS.total_seconds())
    assert gateway.connect("c1", ticket) == 403
    assert gateway.store.all() == ()


def test_who_shows_no_ticket_or_a_forged_one_is_refused(gateway: Gateway) -> None:
    real = gateway.store.issue("acme", "hash").text
    for forged in (None, "", "x" * 43, real[:-1], real + "A", "ticket#" + real):
        assert gateway.connect("c1", forged) == 403, forged
    assert gateway.store.all() == ()


def test_what_lies_in_the_table_opens_no_socket(gateway: Gateway) -> None:
    gateway.watch("c1", "acme")
    gateway.store.take_turn("acme")
    gateway.store.issue("acme", "hash")
    items = aws.dynamodb().scan(TableName=gateway.env.connections_table)["Items"]
    assert len(items) == 3
    for item in items:
        whole = item["id"]["S"]
        assert {gateway.connect("c2", text) for text in (whole, whole.partition("#")[2])} == {403}


def test_a_socket_that_closes_is_forgotten(gateway: Gateway) -> None:
    from live import handler as live

    gateway.watch("c1", "acme")
    live.handler({"requestContext": {"eventType": "DISCONNECT", "connectionId": "c1"}}, None)
    assert gateway.store.all() == ()


def test_a_socket_of_which_nobody_heard_the_end_is_forgotten_after_two_hours(gateway: Gateway) -> None:
    gateway.watch("c1", "acme")
    gateway.clock.advance(2 * 3600 + 1)
    assert gateway.store.all() == ()
