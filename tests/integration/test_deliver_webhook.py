"""Webhooks from the end of a job to a real receiver: signed, retried, rotated, refused."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from backstay import aws, config
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.catalog import Catalog
from backstay.errors import Disposition, ErrorClass, NotNow, Rejected
from backstay.jobs.record import JobRecord, State
from backstay.settings import Environment
from backstay.task import Job
from backstay.webhooks import verify
from tests.receivers import Receiver, hangs_up, pours, receiver, status

ROOT = Path(__file__).parents[2]
KEY = "k1"


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    """Where webhooks arrive."""
    with receiver() as running:
        yield running


@pytest.fixture
def catalog(cloud: Environment, tmp_path: Path) -> Catalog:
    """The task itself, and one whose jobs it tells of."""
    (tmp_path / "obey").symlink_to(ROOT / "tests" / "tasks" / "obey")
    (tmp_path / "deliver_webhook").symlink_to(ROOT / "functions" / "deliver_webhook")
    for queue in ("obey", "obey-dead", "deliver-webhook", "deliver-webhook-dead"):
        aws.sqs().create_queue(QueueName=f"backstay-test-{queue}")
    return Catalog(tmp_path)


@pytest.fixture
def secrets(cloud: Environment) -> WebhookSecrets:
    return WebhookSecrets(cloud.secret_prefix)


@pytest.fixture(autouse=True)
def deployed(cloud: Environment, hooks: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the stack gives the function: its environment, and a backstay.toml that lists the receiver."""
    from deliver_webhook import task

    file = tmp_path / "backstay.toml"
    file.write_text(f'[outbound]\nallow_private = ["{hooks.pair}"]\n')
    monkeypatch.setenv("BACKSTAY_CONFIG", str(file))
    for name, value in asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    config.load.cache_clear()
    task._delivery.cache_clear()
    yield
    config.load.cache_clear()
    task._delivery.cache_clear()


def test_a_completed_job_is_told_with_its_keys_signature(machine, hooks, secrets):
    secret = secrets.renew(KEY)
    record = machine.submit("obey", {"text": "hi"}, callback_url=hooks.url("/in?x=1"), key_id=KEY)

    machine.deliver("obey")
    machine.deliver("deliver-webhook")

    [request] = hooks.received
    assert (request.path, request.headers["content-type"]) == ("/in?x=1", "application/json")
    Webhook(secret).verify(request.body, dict(request.headers))
    event = verify(request.body, request.headers, [secret])
    assert event.type == "job.completed"
    assert event.timestamp == machine.record(record.id).finished_at
    assert event.data["job_id"] == record.id
    assert event.data["result"] == {"attempt": 1, "text": "hi"}
    assert "." not in event.id


def test_a_failed_job_is_told_with_its_error(machine, hooks, secrets):
    secret = secrets.renew(KEY)
    machine.submit("obey", {"reject": True}, callback_url=hooks.url(), key_id=KEY)

    machine.deliver("obey")
    machine.deliver("deliver-webhook")

    event = verify(hooks.received[0].body, hooks.received[0].headers, [secret])
    assert event.type == "job.failed"
    assert event.data["error"] == {"class": "rejected", "message": "told to reject"}


def test_a_receiver_that_is_down_is_asked_again_with_the_same_id_and_body(machine, hooks, secrets, clock):
    secret = secrets.renew(KEY)
    hooks.answers(status(503), hangs_up, status(204))
    machine.submit("obey", {}, callback_url=hooks.url(), key_id=KEY)
    machine.deliver("obey")

    for reason in ("unreachable", "unreachable"):
        machine.deliver("deliver-webhook")
        delivery = only_delivery(machine)
        assert (delivery.state, delivery.reason, delivery.attempts) == (State.DELAYED, reason, 0)
        clock.advance(3_600)
        machine.make_visible("deliver-webhook")
    machine.deliver("deliver-webhook")

    delivery = only_delivery(machine)
    assert delivery.state is State.COMPLETED
    assert json.loads(delivery.result.inline)["status"] == 204
    assert len({request.headers["webhook-id"] for request in hooks.received}) == 1
    assert len({request.body for request in hooks.received}) == 1
    for request in hooks.received:
        verify(request.body, request.headers, [secret])


def test_a_receiver_that_stays_down_for_a_day_is_given_up(machine, hooks, secrets, clock):
    secrets.renew(KEY)
    hooks.answers(status(500))
    machine.submit("obey", {}, callback_url=hooks.url(), key_id=KEY)
    machine.deliver("obey")
    machine.deliver("deliver-webhook")

    clock.advance(86_500)
    machine.make_visible("deliver-webhook")
    machine.deliver("deliver-webhook")

    delivery = only_delivery(machine)
    assert (delivery.state, delivery.error.error_class) == (State.FAILED, ErrorClass.GAVE_UP)
    assert len(machine.receive("deliver-webhook-dead")) == 1


def test_retry_after_is_kept(machine, hooks, secrets, clock):
    secrets.renew(KEY)
    hooks.answers(status(429, Retry_After="600"))
    machine.submit("obey", {}, callback_url=hooks.url(), key_id=KEY)
    machine.deliver("obey")
    machine.deliver("deliver-webhook")

    delivery = only_delivery(machine)
    assert 590 <= (delivery.due_at - clock()).total_seconds() <= 600


def test_a_webhook_that_is_not_wanted_fails_at_once_with_the_answer(machine, hooks, secrets):
    secrets.renew(KEY)
    hooks.answers(status(410, b"gone away"))
    machine.submit("obey", {}, callback_url=hooks.url("/?token=s3cr3t"), key_id=KEY)
    machine.deliver("obey")
    machine.deliver("deliver-webhook")

    delivery = only_delivery(machine)
    assert (delivery.state, delivery.error.error_class) == (State.FAILED, ErrorClass.REJECTED)
    assert delivery.error.message == f"{hooks.url('')} answered 410: gone away"


def test_a_redirect_is_not_followed(hooks, secrets):
    secrets.renew(KEY)
    hooks.answers(status(307, Location=hooks.url("/elsewhere")))
    with pytest.raises(Rejected, match="answered 307; redirects are not followed"):
        deliver(hooks.url())
    assert len(hooks.received) == 1


def test_a_2xx_counts_although_its_body_has_no_end(hooks, secrets):
    secrets.renew(KEY)
    hooks.answers(pours(b"x" * 65_536))
    assert deliver(hooks.url()).status == 200


def test_while_a_secret_rotates_both_sign(hooks, secrets):
    old = secrets.renew(KEY)
    new = secrets.renew(KEY)
    deliver(hooks.url())
    [request] = hooks.received
    for secret in (old, new):
        Webhook(secret).verify(request.body, dict(request.headers))


def test_secrets_are_read_once_in_five_minutes(hooks, secrets):
    from deliver_webhook.recent_secrets import RecentSecrets

    reads: list[str] = []
    now = [0.0]
    recent = RecentSecrets(lambda key_id: (reads.append(key_id), ("whsec_b2xk",))[1], lambda: now[0])
    for now[0] in (0, 299, 301):
        assert recent.get(KEY) == ("whsec_b2xk",)
    assert len(reads) == 2


@pytest.mark.parametrize(("key_id", "told"), [("unknown", "backstay keys"), (None, "without an API key")])
def test_without_a_secret_nothing_is_sent(hooks, key_id, told):
    with pytest.raises(Rejected, match=told):
        deliver(hooks.url(), key_id=key_id)
    assert not hooks.received


def test_a_revoked_keys_webhooks_are_not_sent(hooks, secrets):
    secrets.renew(KEY)
    secrets.delete(KEY)
    with pytest.raises(Rejected, match="has no webhook secret"):
        deliver(hooks.url())
    assert not hooks.received


def test_secrets_manager_being_down_costs_time_only(hooks):
    from botocore.exceptions import EndpointConnectionError

    from backstay.outbound.policy import Policy
    from backstay.outbound.sender import Sender
    from deliver_webhook.delivery import Delivery
    from deliver_webhook.task import Webhook as Work

    def down(key_id: str) -> tuple[str, ...]:
        raise EndpointConnectionError(endpoint_url="https://secretsmanager")

    delivery = Delivery(down, Sender(Policy.of([hooks.pair])))
    with pytest.raises(NotNow, match="can't be read now"):
        delivery.deliver(Work.model_validate(work(hooks.url())), Job())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:{port}/",
        "https://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "https://user:pass@127.0.0.1:{port}/",
    ],
)
def test_a_private_address_in_any_spelling_fails_for_good(machine, hooks, secrets, url):
    secrets.renew(KEY)
    machine.submit("obey", {}, callback_url=url.format(port=hooks.port), key_id=KEY)
    machine.deliver("obey")
    machine.deliver("deliver-webhook")

    delivery = only_delivery(machine)
    assert (delivery.state, delivery.error.error_class) == (State.FAILED, ErrorClass.ADDRESS_REFUSED)
    assert delivery.error.error_class.disposition is Disposition.FAIL
    assert hooks.connections == 0


def test_neither_secret_nor_payload_nor_query_is_logged(machine, hooks, secrets, clock, capsys, caplog):
    secret = secrets.renew(KEY)
    hooks.answers(status(500), status(410, b"no"))
    machine.submit("obey", {"text": "private words"}, callback_url=hooks.url("/p4th?token=s3cr3t"), key_id=KEY)
    machine.deliver("obey")
    for _ in range(2):
        machine.deliver("deliver-webhook")
        clock.advance(3_600)
        machine.make_visible("deliver-webhook")

    told = capsys.readouterr()
    everything = told.out + told.err + caplog.text
    assert len(hooks.received) == 2
    for hidden in (secret, "private words", "s3cr3t", "p4th"):
        assert hidden not in everything


def only_delivery(machine) -> JobRecord:
    """The one job of deliver-webhook that there is."""
    items = aws.dynamodb().scan(TableName=machine.env.jobs_table)["Items"]
    [job_id] = [
        item["id"]["S"]
        for item in items
        if item["part"]["S"] == "state" and item.get("task", {}).get("S") == "deliver-webhook"
    ]
    return machine.record(job_id)


def work(url: str, key_id: str | None = KEY) -> dict[str, object]:
    """An input of the task."""
    return {"webhook_id": "msg_1", "url": url, "key_id": key_id, "event": "job.completed", "payload": {"job_id": "a.b"}}


def deliver(url: str, key_id: str | None = KEY):
    """Run the task's function alone."""
    from deliver_webhook import task

    return task.deliver(task.Webhook.model_validate(work(url, key_id)), Job())
