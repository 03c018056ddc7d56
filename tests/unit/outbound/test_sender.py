"""The sender, against a real server on this machine: pinned, bounded, and refusing."""

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from backstay.errors import Disposition
from backstay.outbound.addresses import Address
from backstay.outbound.policy import Policy
from backstay.outbound.refusal import AddressRefusedError, Reason
from backstay.outbound.resolving import UnreachableError, resolve
from backstay.outbound.sender import Bounds, Request, Sender
from backstay.running import Job, current_job
from tests.receivers import Receiver, drips, hangs_up, pours, status

LOOPBACK = ip_address("127.0.0.1")
QUICK = Bounds(connect_s=1, read_s=0.4, total_s=0.6, body_bytes=1_000)
SMALL = Bounds(body_bytes=1_000)
SOON_S = 30
"""Long before the other side would have ended it, on however busy a machine: that would have gone on for ever."""


class Names:
    """A resolver that a test writes; counts how often it is asked."""

    def __init__(self, *answers: tuple[Address, ...]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int, seconds: float) -> tuple[Address, ...]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def allowing(server: Receiver) -> Sender:
    return Sender(Policy.of([server.pair]))


def test_a_request_arrives_as_it_was_meant(server: Receiver) -> None:
    server.answers(status(201, b"thanks", X_Seen="yes"))
    response = allowing(server).send(Request(server.url("/in?a=ü"), headers={"X-One": "1"}, body=b"body"))
    assert (response.status, response.body, response.headers["x-seen"]) == (201, b"thanks", "yes")
    assert response.is_whole
    assert response.origin == server.url("")
    [request] = server.received
    assert (request.method, request.path, request.body) == ("POST", "/in?a=%C3%BC", b"body")
    assert request.headers["host"] == server.pair
    assert request.headers["x-one"] == "1"
    assert request.headers["user-agent"].startswith("Backstay")


def test_a_get_without_body(server: Receiver) -> None:
    assert allowing(server).send(Request(server.url(), method="GET")).status == 200
    assert server.received[0].method == "GET"


def test_the_connection_is_made_to_the_checked_address_under_the_urls_name(server: Receiver) -> None:
    pair = f"receiver.invalid:{server.port}"
    names = Names((LOOPBACK,))
    Sender(Policy.of([pair]), names).send(Request(f"http://{pair}/"))
    assert server.received[0].headers["host"] == pair
    assert names.asked == 1


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(server: Receiver) -> None:
    names = Names((ip_address("192.0.2.1"),), (LOOPBACK,))
    with pytest.raises(AddressRefusedError):
        Sender(Policy(), names).send(Request(f"https://rebinding.invalid:{server.port}/"))
    assert names.asked == 1
    assert server.connections == 0


def test_one_private_address_among_public_ones_is_enough_to_refuse(server: Receiver) -> None:
    names = Names((ip_address("1.1.1.1"), LOOPBACK))
    with pytest.raises(AddressRefusedError) as refused:
        Sender(Policy(), names).send(Request(f"https://mixed.invalid:{server.port}/"))
    assert refused.value.reason is Reason.LOOPBACK


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_name_for_this_machine_is_connected_to(server: Receiver, host: str, scheme: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        Sender(Policy()).send(Request(server.url(host=host, scheme=scheme)))
    assert refused.value.failure.error_class.disposition is Disposition.FAIL
    assert server.connections == 0


def test_a_public_looking_name_that_resolves_to_this_machine_is_refused(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)
    with pytest.raises(AddressRefusedError, match=r"leads to 127\.0\.0\.1 \(loopback\)"):
        Sender(Policy()).send(Request(f"https://hooks.example.com:{server.port}/"))
    assert server.connections == 0


def test_a_refused_address_is_a_security_event(
    server: Receiver, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    token = current_job.set(Job(id="acme.j1", tenant="acme"))
    try:
        with pytest.raises(AddressRefusedError):
            Sender(Policy()).send(Request(server.url("/path?token=s3cr3t", scheme="https")))
    finally:
        current_job.reset(token)
    [log] = [vars(record) for record in caplog.records]
    assert (log["levelname"], log["kind"], log["reason"]) == ("WARNING", "address_refused", "loopback")
    assert (log["job_id"], log["tenant"]) == ("acme.j1", "acme")
    [metric] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "SecurityEvents" in line]
    assert (metric["SecurityEvents"], metric["Kind"]) == ([1.0], "address_refused")
    assert "s3cr3t" not in f"{log}{metric}"


def test_a_redirect_is_answered_not_followed(server: Receiver) -> None:
    server.answers(status(302, Location="http://169.254.169.254/latest/"))
    response = allowing(server).send(Request(server.url()))
    assert (response.status, response.headers["location"]) == (302, "http://169.254.169.254/latest/")
    assert server.connections == 1


def test_a_body_longer_than_its_bound_is_cut(server: Receiver) -> None:
    server.answers(status(200, b"x" * 1_001))
    response = allowing(server).send(Request(server.url(), bounds=SMALL))
    assert (len(response.body), response.is_whole) == (1_000, False)


def test_a_body_of_just_its_bound_is_whole(server: Receiver) -> None:
    server.answers(status(200, b"x" * 1_000))
    response = allowing(server).send(Request(server.url(), bounds=SMALL))
    assert (len(response.body), response.is_whole) == (1_000, True)


def test_an_endless_body_is_cut_at_once(server: Receiver) -> None:
    server.answers(pours(b"x" * 65_536))
    started = time.monotonic()
    response = allowing(server).send(Request(server.url(), bounds=Bounds(body_bytes=1_000)))
    assert (response.status, len(response.body), response.is_whole) == (200, 1_000, False)
    assert time.monotonic() - started < SOON_S


def test_compressed_bodies_are_not_unpacked(server: Receiver) -> None:
    packed = gzip.compress(b"0" * 10_000_000)
    server.answers(status(200, packed, Content_Encoding="gzip"))
    response = allowing(server).send(Request(server.url(), bounds=Bounds(body_bytes=100_000)))
    assert response.body == packed
    assert server.received[0].headers["accept-encoding"] == "identity"


def test_a_body_that_drips_ends_with_the_total_time_and_keeps_its_status(server: Receiver) -> None:
    server.answers(drips(start=b"HTTP/1.1 200 OK\r\n\r\n", drop=b"x"))
    started = time.monotonic()
    response = allowing(server).send(Request(server.url(), bounds=QUICK))
    assert time.monotonic() - started < SOON_S
    assert (response.status, response.is_whole) == (200, False)
    assert response.body


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_headers_that_drip_end_with_the_total_time(server: Receiver, start: bytes) -> None:
    server.answers(drips(start=start, drop=b"x"))
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"no answer within 0\.6 s"):
        allowing(server).send(Request(server.url(), bounds=QUICK))
    assert time.monotonic() - started < SOON_S


def test_endless_interim_answers_end_with_the_total_time(server: Receiver) -> None:
    server.answers(drips(start=b"", drop=b"HTTP/1.1 100 Continue\r\n\r\n", every_s=0.01))
    with pytest.raises(UnreachableError, match=r"no answer within 0\.6 s"):
        allowing(server).send(Request(server.url(), bounds=QUICK))


def test_silence_ends_with_the_read_time(silent: int) -> None:
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="did not answer"):
        Sender(Policy.of([f"127.0.0.1:{silent}"])).send(
            Request(f"http://127.0.0.1:{silent}/", bounds=Bounds(read_s=0.3, total_s=600))
        )
    assert time.monotonic() - started < SOON_S


def test_a_tls_greeting_that_is_never_answered_ends_with_the_total_time(silent: int) -> None:
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"no answer within 0\.6 s"):
        Sender(Policy.of([f"127.0.0.1:{silent}"])).send(
            Request(f"https://127.0.0.1:{silent}/", bounds=Bounds(connect_s=5, read_s=5, total_s=0.6))
        )
    assert time.monotonic() - started < SOON_S


def test_a_body_that_the_other_side_does_not_take_ends_with_the_total_time(silent: int) -> None:
    with pytest.raises(UnreachableError, match=r"no answer within 0\.6 s"):
        Sender(Policy.of([f"127.0.0.1:{silent}"])).send(
            Request(f"http://127.0.0.1:{silent}/", body=b"x" * 30_000_000, bounds=Bounds(read_s=5, total_s=0.6))
        )


@pytest.mark.parametrize("answer", [hangs_up, drips(start=b"nonsense\r\n\r\n", drop=b"")])
def test_no_http_answer_is_unreachable(server: Receiver, answer: object) -> None:
    server.answers(answer)  # type: ignore[arg-type]
    with pytest.raises(UnreachableError, match="did not answer") as error:
        allowing(server).send(Request(server.url("/?token=s3cr3t"), bounds=SMALL))
    assert error.value.failure.error_class.disposition is Disposition.PARK
    assert "s3cr3t" not in str(error.value)


def test_a_closed_port_is_unreachable_and_the_next_address_is_tried(server: Receiver) -> None:
    pair = f"receiver.invalid:{server.port}"
    names = Names((ip_address("127.0.0.2"), LOOPBACK))
    assert Sender(Policy.of([pair]), names).send(Request(f"http://{pair}/")).status == 200
    with pytest.raises(UnreachableError, match="refused"):
        Sender(Policy.of([pair]), Names((ip_address("127.0.0.2"),))).send(Request(f"http://{pair}/"))


def test_tls_asks_for_the_urls_name_and_holds_the_certificate_to_it(
    tls_server: Receiver, trust: ssl.SSLContext, asked_for: list[str | None]
) -> None:
    pair = f"hooks.example:{tls_server.port}"
    sender = Sender(Policy.of([pair]), Names((LOOPBACK,)), trust)
    assert sender.send(Request(f"https://{pair}/")).status == 200
    assert asked_for == ["hooks.example"]
    assert tls_server.received[0].headers["host"] == pair


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_is_no_answer(tls_server: Receiver, trust: ssl.SSLContext, host: str) -> None:
    pair = f"{host}:{tls_server.port}"
    with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        Sender(Policy.of([pair]), Names((LOOPBACK,)), trust).send(Request(f"https://{pair}/"))
    assert not tls_server.received


def test_a_certificate_that_the_system_does_not_trust_is_no_answer(tls_server: Receiver) -> None:
    pair = f"hooks.example:{tls_server.port}"
    with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        Sender(Policy.of([pair]), Names((LOOPBACK,))).send(Request(f"https://{pair}/"))
    assert not tls_server.received


def test_an_endless_body_under_tls_is_bounded_too(tls_server: Receiver, trust: ssl.SSLContext) -> None:
    tls_server.answers(drips(start=b"HTTP/1.1 200 OK\r\n\r\n", drop=b"x"))
    pair = f"hooks.example:{tls_server.port}"
    started = time.monotonic()
    response = Sender(Policy.of([pair]), Names((LOOPBACK,)), trust).send(Request(f"https://{pair}/", bounds=QUICK))
    assert time.monotonic() - started < SOON_S
    assert (response.status, response.is_whole) == (200, False)


def test_an_odd_header_is_not_logged_with_the_url(server: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    server.answers(drips(start=b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n", drop=b""))
    allowing(server).send(Request(server.url("/?token=s3cr3t"), bounds=QUICK))
    assert "s3cr3t" not in caplog.text


def test_ten_at_once_do_not_disturb_each_other(server: Receiver) -> None:
    sender = allowing(server)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(sender.send(Request(server.url())).status)) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 10


def test_localhost_resolves_to_loopback() -> None:
    assert LOOPBACK in resolve("localhost", 80, 2)


def test_a_name_without_address_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match=r"nowhere\.invalid can't be resolved"):
        resolve("nowhere.invalid", 443, 10)


def test_a_resolver_that_hangs_does_not_hold_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: ended.wait(5))
    with pytest.raises(UnreachableError, match=r"was not resolved within 0\.1 s"):
        resolve("hooks.example.com", 443, 0.1)
    ended.set()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    "url",
    ["https://169.254.169.254/latest/meta-data", "http://169.254.169.254/", "https://[::1]/", "https://localhost/"],
)
def test_people_hear_of_a_call_that_was_to_lead_inside(bus, url: str) -> None:
    job = Job(id="acme.job", tenant="acme")
    token = current_job.set(job)
    try:
        with pytest.raises(AddressRefusedError):
            Sender(Policy.of([], ["elsewhere.example"])).send(Request(url))
    finally:
        current_job.reset(token)
    assert bus.told == [("security.suspicious_activity", "address:acme", "happened")]
    assert "backstay jobs show acme.job" in bus.details[0]["text"]


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://example.com/", "https://example.com/"])
def test_a_mistake_in_a_public_address_is_no_attack(bus, url: str) -> None:
    with pytest.raises(AddressRefusedError):
        Sender(Policy.of([], ["elsewhere.example"])).send(Request(url))
    assert bus.told == []
