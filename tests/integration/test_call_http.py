"""call-http from a submitted job to a real server: answers, redirects, secrets, a host that is down."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay import aws
from backstay.catalog import Catalog
from backstay.errors import ErrorClass
from backstay.jobs.record import State
from backstay.settings import Environment
from tests.integration.http_calls import TASK, call_http_told, catalog_with_call_http
from tests.receivers import Receiver, hangs_up, pours, receiver, status


@pytest.fixture
def host() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def catalog(cloud: Environment, tmp_path: Path) -> Catalog:
    return catalog_with_call_http(tmp_path)


@pytest.fixture(autouse=True)
def deployed(cloud: Environment, host: Receiver, elsewhere: Receiver, tmp_path: Path) -> Iterator[None]:
    with call_http_told(cloud, f'[outbound]\nallow_private = ["{host.pair}", "{elsewhere.pair}"]\n', tmp_path):
        yield


def call(machine, **wanted):
    record = machine.submit(TASK, wanted)
    machine.deliver(TASK, remaining_ms=80_000)
    return machine.record(record.id)


def result_of(record):
    assert record.state is State.COMPLETED, record.error or record.failures
    return json.loads(record.result.inline)


def test_a_call_is_made_and_its_answer_is_the_result(machine, host):
    host.answers(status(201, b'{"id": 7}', Content_Type="application/json"))
    record = call(machine, method="POST", url=host.url("/orders?x=1"), json={"a": 1}, headers={"x-source": "test"})

    result = result_of(record)
    assert (result["status"], result["body"], result["content_type"]) == (201, {"id": 7}, "application/json")
    assert result["origin"] == f"http://{host.pair}"
    [request] = host.received
    assert (request.method, request.path, request.body) == ("POST", "/orders?x=1", b'{"a": 1}')
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-source"] == "test"
    assert request.headers["idempotency-key"] == record.id


def test_every_try_carries_the_same_key_and_costs_no_attempt(machine, host, clock):
    host.answers(status(503), hangs_up, status(429, Retry_After="600"), status(200, b"done", Content_Type="text/plain"))
    record = machine.submit(TASK, {"method": "POST", "url": host.url(), "text": "hi"})
    for _ in range(3):
        machine.deliver(TASK, remaining_ms=80_000)
        waits = machine.record(record.id)
        assert (waits.state, waits.reason, waits.attempts) == (State.DELAYED, "unreachable", 0)
        clock.advance(1_000)
        machine.make_visible(TASK)
    assert 590 <= (waits.due_at - waits.changed_at).total_seconds() <= 600
    machine.deliver(TASK, remaining_ms=80_000)

    assert result_of(machine.record(record.id))["body"] == "done"
    assert {request.headers["idempotency-key"] for request in host.received} == {record.id}


def test_a_host_that_sends_us_away_is_measured_by_its_name(machine, host, capsys):
    host.answers(status(429, Retry_After="600"), status(503))
    call(machine, url=host.url())
    call(machine, url=host.url())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "RateLimited" in line]
    assert [(line["RateLimited"], line["Provider"]) for line in lines] == [([1.0], "127.0.0.1")]


def test_another_status_fails_with_the_beginning_of_the_body(machine, host):
    host.answers(status(422, b"no such customer"))
    record = call(machine, url=host.url())
    assert (record.state, record.error.error_class) == (State.FAILED, ErrorClass.REJECTED)
    assert "answered 422: no such customer" in record.error.message
    assert len(host.received) == 1


def test_an_expected_status_is_no_failure(machine, host):
    host.answers(status(404, b"<gone/>", Content_Type="application/xml"))
    assert result_of(call(machine, url=host.url(), expected_status=[200, 404]))["body"] == "<gone/>"


def test_an_endless_answer_is_cut_and_fails(machine, host):
    host.answers(pours(b"x" * 65_536))
    record = call(machine, url=host.url())
    assert record.state is State.FAILED
    assert "more than 256 kB" in record.error.message


def test_a_redirect_is_followed_without_what_was_meant_for_the_first_host(machine, host, elsewhere):
    aws.secretsmanager().create_secret(Name="backstay/test/outbound/crm", SecretString="t0psecret")
    host.answers(status(307, Location=elsewhere.url("/there")))
    elsewhere.answers(status(200, b'"ok"', Content_Type="application/json"))
    wanted = {"method": "POST", "url": host.url(), "json": {}, "headers": {"Authorization": {"secret": "crm"}}}

    result = result_of(call(machine, **wanted))
    assert (result["redirects"], result["origin"]) == (1, f"http://{elsewhere.pair}")
    assert host.received[0].headers["authorization"] == "t0psecret"
    assert "authorization" not in elsewhere.received[0].headers
    assert elsewhere.received[0].path == "/there"


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "https://not-listed.example/"]
)
def test_a_redirect_to_where_no_call_may_go_fails(machine, host, location):
    host.answers(status(302, Location=location))
    record = call(machine, url=host.url())
    assert (record.state, record.error.error_class) == (State.FAILED, ErrorClass.ADDRESS_REFUSED)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "https://10.0.0.1/", "https://localhost/", "https://a.example/"]
)
def test_only_listed_hosts_are_called(machine, url):
    record = call(machine, url=url)
    assert (record.state, record.error.error_class) == (State.FAILED, ErrorClass.ADDRESS_REFUSED)


def test_a_secret_is_neither_stored_nor_logged_even_if_it_is_echoed(machine, host, cloud, capsys, caplog):
    aws.secretsmanager().create_secret(Name="backstay/test/outbound/crm", SecretString="t0psecret")
    host.answers(
        status(200, b'{"you_sent": "t0psecret"}', Content_Type="application/json"), status(400, b"bad key t0psecret")
    )
    wanted = {"url": host.url(), "headers": {"X-Key": {"secret": "crm"}}}
    assert result_of(call(machine, **wanted))["body"] == {"you_sent": "[secret]"}
    assert call(machine, **wanted).state is State.FAILED
    assert [request.headers["x-key"] for request in host.received] == ["t0psecret"] * 2

    stored = [json.dumps(aws.dynamodb().scan(TableName=table)["Items"]) for table in (cloud.jobs_table, "guards")]
    printed = capsys.readouterr()
    for text in (*stored, printed.out, printed.err, caplog.text):
        assert "t0psecret" not in text


def test_a_host_that_is_down_is_left_alone(machine, host, clock):
    host.answers(status(500))
    records = [machine.submit(TASK, {"url": host.url()}) for _ in range(8)]
    for _ in records:
        machine.deliver(TASK, remaining_ms=80_000, most=1)

    assert len(host.received) == 5
    parked = [machine.record(record.id) for record in records]
    assert {record.state for record in parked} == {State.DELAYED}
    assert [record.reason for record in parked].count("circuit_open") == 3
    assert {record.attempts for record in parked} == {0}
