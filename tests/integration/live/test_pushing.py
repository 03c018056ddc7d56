"""From a change to frames over sockets."""

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstay import aws
from backstay.live.changes import Changes, JobChange, of_stream
from backstay.live.pushing import STALE_AFTER, Message, Outcome, Pusher, Sockets
from backstay.live.telling import WATCHED_AGE_S, Teller
from tests.integration.live.conftest import Gateway
from tests.unit.live.test_changes import record

AT = "2026-11-25T14:00:00.000Z"


def changed(job_id: str) -> Changes:
    return Changes(jobs={job_id: JobChange(job_id, "obey", "completed", AT)})


def heard(gateway: Gateway, connection_id: str) -> list[str]:
    return [job["id"] for one, frame in gateway.posted if one == connection_id for job in frame["jobs"]]


def test_what_changed_comes_in_one_frame_to_every_socket_of_the_tenant_and_to_no_other(gateway: Gateway) -> None:
    for connection, tenant in (("c1", "acme"), ("c2", "acme"), ("c3", "umbrella")):
        gateway.watch(connection, tenant)
    gateway.tell("acme", changed("acme.x"))
    gateway.tell("acme", changed("acme.y"))
    assert gateway.deliver() == []
    assert sorted(connection for connection, _ in gateway.posted) == ["c1", "c2"]
    assert heard(gateway, "c1") == ["acme.x", "acme.y"]


def test_what_comes_within_a_second_is_told_in_the_next(gateway: Gateway) -> None:
    gateway.watch("c1", "acme")
    gateway.tell("acme", changed("acme.x"))
    gateway.deliver()
    gateway.clock.advance(0.5)
    gateway.tell("acme", changed("acme.y"))
    (kept,) = gateway.deliver()
    assert kept
    assert heard(gateway, "c1") == ["acme.x"]
    gateway.clock.advance(1)
    show_what_is_hidden()
    assert gateway.deliver() == []
    assert heard(gateway, "c1") == ["acme.x", "acme.y"]


def show_what_is_hidden() -> None:
    """moto keeps time by the wall clock."""
    from moto.sqs.models import sqs_backends

    for queue in sqs_backends["123456789012"]["us-east-1"].queues.values():
        for message in queue._messages:
            message.visible_at = 0
        queue.pending_messages.clear()
        queue.pending_message_groups.clear()


def test_one_tenant_s_second_holds_up_no_other(gateway: Gateway) -> None:
    for connection, tenant in (("c1", "acme"), ("c2", "umbrella")):
        gateway.watch(connection, tenant)
    assert gateway.store.take_turn("acme")
    gateway.tell("acme", changed("acme.x"))
    gateway.tell("umbrella", changed("umbrella.y"))
    assert len(gateway.deliver()) == 1
    assert [connection for connection, _ in gateway.posted] == ["c2"]


def test_what_is_too_old_is_dropped(gateway: Gateway) -> None:
    gateway.watch("c1", "acme")
    gateway.tell("acme", changed("acme.x"))
    gateway.age = STALE_AFTER
    assert gateway.deliver() == []
    assert gateway.posted == []


def test_what_came_too_soon_goes_along_with_the_next_frame_and_is_told_once(gateway: Gateway) -> None:
    gateway.watch("c1", "acme")
    for job in ("acme.x", "acme.y", "acme.z"):
        gateway.tell("acme", changed(job))
        gateway.deliver()
    assert heard(gateway, "c1") == ["acme.x"]
    gateway.clock.advance(1)
    gateway.tell("acme", changed("acme.last"))
    assert gateway.deliver() == []
    assert heard(gateway, "c1") == ["acme.x", "acme.y", "acme.z", "acme.last"]
    show_what_is_hidden()
    gateway.clock.advance(1)
    assert gateway.deliver() == []  # both come again, and are known to have been told
    assert len(gateway.posted) == 2


def test_a_socket_that_is_gone_is_forgotten_and_the_others_are_told(gateway: Gateway) -> None:
    for connection in ("c1", "c2"):
        gateway.watch(connection, "acme")
    gateway.gone = {"c1"}
    gateway.tell("acme", changed("acme.x"))
    gateway.deliver()
    assert [connection.id for connection in gateway.store.all()] == ["c2"]
    assert heard(gateway, "c2") == ["acme.x"]


def test_a_socket_that_can_t_be_told_now_stays_and_the_others_are_told(gateway: Gateway) -> None:
    for connection in ("c1", "c2"):
        gateway.watch(connection, "acme")

    def post(connection_id: str, frame: bytes) -> Outcome:
        if connection_id == "c1":
            raise ClientError({"Error": {"Code": "LimitExceededException"}}, "PostToConnection")
        return gateway.post(connection_id, frame)

    pusher = Pusher(Sockets(gateway.store, lambda _: True, post, gateway.clock))
    message = Message("m1", "acme", changed("acme.x"), gateway.clock())
    assert pusher.push([message]) == frozenset()
    assert len(gateway.store.all()) == 2
    assert heard(gateway, "c2") == ["acme.x"]


def test_a_key_that_was_revoked_is_told_nothing_more(gateway: Gateway) -> None:
    issued = gateway.watch("c1", "acme")
    gateway.keys.revoke(issued.record.key_id)
    gateway.tell("acme", changed("acme.x"))
    gateway.deliver()
    assert gateway.posted == []
    assert gateway.store.all() == ()


def test_who_watches_hears_what_the_stream_brings(gateway: Gateway) -> None:
    gateway.watch("c1", "acme")
    gateway.watch("c2", "*")
    Teller(gateway.env).tell(
        lambda: of_stream([record("acme.x", "completed", "active"), record("umbrella.y", "failed")])
    )
    gateway.deliver()
    assert heard(gateway, "c1") == ["acme.x"]
    assert sorted(heard(gateway, "c2")) == ["acme.x", "umbrella.y"]


def test_where_nobody_watches_nothing_is_read_but_who_watches_and_that_seldom(gateway: Gateway) -> None:
    now: list[float] = [0.0]
    calls: list[str] = []
    teller = Teller(gateway.env, lambda: now[0])
    aws.dynamodb().meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    aws.sqs().meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))

    def read() -> dict[str, Changes]:
        raise AssertionError("nobody wants to know")

    for _ in range(100):
        teller.tell(read)
    assert calls == ["Query"]
    now[0] = WATCHED_AGE_S
    teller.tell(read)
    assert calls == ["Query", "Query"]


def test_a_table_that_does_not_answer_holds_up_nobody(gateway: Gateway) -> None:
    aws.dynamodb().delete_table(TableName=gateway.env.connections_table)
    Teller(gateway.env).tell(dict)


TENANTS = ("acme", "umbrella", "newsroom")
AUDIENCES = (*TENANTS, "*")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    sockets=st.lists(st.sampled_from(AUDIENCES), max_size=6),
    work=st.lists(st.tuples(st.sampled_from(TENANTS), st.integers(0, 5)), min_size=1, max_size=8),
)
def test_whoever_watches_and_whatever_changes_no_frame_carries_another_tenant_s_work(
    gateway: Gateway, sockets: list[str], work: list[tuple[str, int]]
) -> None:
    for connection in gateway.store.all():
        gateway.store.close(connection.id)
    gateway.posted.clear()
    gateway.clock.advance(2)
    audience_of = {f"c{number}": audience for number, audience in enumerate(sockets)}
    for connection, audience in audience_of.items():
        gateway.watch(connection, audience)
    Teller(gateway.env).tell(lambda: of_stream(record(f"{tenant}.{job}", "active") for tenant, job in work))
    gateway.deliver()
    for connection, audience in audience_of.items():
        own = {f"{tenant}.{job}" for tenant, job in work if audience in ("*", tenant)}
        assert set(heard(gateway, connection)) == own
        whole = str([frame for one, frame in gateway.posted if one == connection])
        assert not any(f"{tenant}." in whole for tenant in TENANTS if audience not in ("*", tenant))
