"""From the escalation's message to the channel: told once, retried, isolated, and called off."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from backstay import aws, config
from backstay.alerts.alert import Alert, AlertState, DeliveryState, opened_by
from backstay.alerts.alerting import Alerting
from backstay.alerts.mute_store import MuteStore
from backstay.alerts.muting import SILENCE_FOR, Covers, Silence
from backstay.alerts.occurrence import Kind, Occurrence, Severity
from backstay.alerts.rules import rules
from backstay.alerts.store import AlertStore
from backstay.alerts.telling import Telling, key_of
from backstay.catalog import Catalog
from backstay.clock import utc_now
from backstay.errors import ErrorClass
from backstay.jobs import keys
from backstay.jobs.record import JobRecord, State
from backstay.settings import Environment
from backstay.webhooks import verify
from tests.integration.conftest import Machine
from tests.integration.step_functions import StepFunctions
from tests.receivers import Receiver, hangs_up, receiver, status

ROOT = Path(__file__).parents[3]
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"alerts/slack": "{url}/slack/T0/s3cr3t", "alerts/pagerduty": "r0ut1ng", "alerts/ops": SIGNING}
CHANNELS = """
[outbound]
allow_private = ["{pair}"]
[alerts.channels.slack]
kind = "slack"
secret = "alerts/slack"
[alerts.channels.pagerduty]
kind = "pagerduty"
secret = "alerts/pagerduty"
url = "{url}/v2/enqueue"
[alerts.channels.ops]
kind = "webhook"
secret = "alerts/ops"
url = "{url}/ops"
[alerts.channels.email]
kind = "email"
sender = "backstay@example.com"
to = ["ops@example.com"]
"""


@pytest.fixture
def people() -> Iterator[Receiver]:
    """Where all that goes by HTTP arrives."""
    with receiver() as running:
        yield running


@pytest.fixture
def catalog(cloud: Environment, tmp_path: Path) -> Catalog:
    for folder in ("deliver_alert", "deliver_webhook"):
        (tmp_path / folder).symlink_to(ROOT / "functions" / folder)
    for queue in ("deliver-alert", "deliver-alert-dead", "deliver-webhook"):
        aws.sqs().create_queue(QueueName=f"backstay-test-{queue}")
    return Catalog(tmp_path)


@pytest.fixture(autouse=True)
def deployed(cloud: Environment, people: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the stack gives the function."""
    from deliver_alert import task

    places = {"url": people.url(""), "pair": people.pair}
    (tmp_path / "backstay.toml").write_text(CHANNELS.format(**places))
    monkeypatch.setenv("BACKSTAY_CONFIG", str(tmp_path / "backstay.toml"))
    monkeypatch.setenv("BACKSTAY_API_URL", "https://api.test")
    for name, value in asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    for name, value in SECRETS.items():
        aws.secretsmanager().create_secret(Name=cloud.secret_prefix + name, SecretString=value.format(**places))
    aws.ses().create_email_identity(EmailIdentity="backstay@example.com")
    caches = (config.load, task._delivering)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def store(cloud: Environment) -> AlertStore:
    return AlertStore(cloud.alerts_table)


@pytest.fixture
def alert(store: AlertStore) -> Alert:
    """One that is open."""
    happened = Occurrence("worker.dead_letter", "enhance-story", Kind.BEGINS, utc_now(), "Look: backstay dlq ls")
    made = opened_by(happened, Severity.CRITICAL, None)
    store.open(made)
    return made


@pytest.fixture
def alerting(cloud: Environment, step_functions: StepFunctions) -> Alerting:
    """Alerts as a stage has them."""
    telling = Telling(cloud, config.load().alerts)
    return Alerting(cloud.alerts_table, rules(config.load().alerts), telling.tell)


def send(machine: Machine, alert: Alert, channel: str) -> None:
    """What a step of the escalation sends."""
    work = {"alert_id": alert.id, "channel": channel, "about": "open"}
    key = key_of(alert.id, "open", channel)
    machine.send_raw(
        "deliver-alert", {"task": "deliver-alert", "tenant": "system", "idempotency_key": key, "input": work}
    )


def deliver(machine: Machine) -> None:
    """Whatever lies in the queue."""
    machine.make_visible("deliver-alert")
    machine.deliver("deliver-alert")


def job_of(machine: Machine, alert: Alert, channel: str, about: str = "open") -> JobRecord:
    """The job of one message."""
    return machine.record(keys.job_id("system", "deliver-alert", key_of(alert.id, about, channel)))


def told_by(record: JobRecord) -> dict[str, Any]:
    """Its result."""
    assert record.result is not None
    assert record.result.inline is not None
    told: dict[str, Any] = json.loads(record.result.inline)
    return told


def test_slack_is_told_at_the_address_that_is_its_secret(machine, people, alert, store):
    send(machine, alert, "slack")
    deliver(machine)
    [request] = people.received
    assert request.path == "/slack/T0/s3cr3t"
    body = json.loads(request.body)
    assert "CRITICAL worker.dead_letter: enhance-story" in body["text"]
    assert f"https://api.test/api/alerts/{alert.id}" in request.body.decode()
    assert store.get(alert.id).deliveries["slack"].state is DeliveryState.SENT


def test_pagerduty_and_a_signed_webhook_are_told_in_their_own_ways(machine, people, alert):
    for channel in ("pagerduty", "ops"):
        send(machine, alert, channel)
    deliver(machine)
    by_path = {request.path: request for request in people.received}
    event = json.loads(by_path["/v2/enqueue"].body)
    assert (event["routing_key"], event["event_action"]) == ("r0ut1ng", "trigger")
    signed = verify(by_path["/ops"].body, by_path["/ops"].headers, [SIGNING])
    assert (signed.type, signed.data["id"]) == ("alert.opened", alert.id)


def test_an_email_goes_out_by_ses(machine, alert, store):
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.sesv2.models import sesv2_backends

    send(machine, alert, "email")
    deliver(machine)
    [sent] = sesv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].core_backend.sent_messages
    assert sent.subject == "[backstay test] CRITICAL worker.dead_letter: enhance-story"
    assert sent.destinations["ToAddresses"] == ["ops@example.com"]
    assert store.get(alert.id).deliveries["email"].state is DeliveryState.SENT


def test_ses_that_does_not_take_a_sender_fails_the_job_with_its_reason(machine, alert):
    aws.ses().delete_email_identity(EmailIdentity="backstay@example.com")
    send(machine, alert, "email")
    deliver(machine)
    record = job_of(machine, alert, "email")
    assert (record.state, record.error.error_class) == (State.FAILED, ErrorClass.REJECTED)
    assert "MessageRejected" in record.error.message


def test_a_channel_that_fails_is_tried_again_and_holds_up_no_other(machine, people, alert, store, clock):
    people.answers(status(503))
    send(machine, alert, "slack")
    deliver(machine)
    people.answers(status(200))
    send(machine, alert, "ops")
    deliver(machine)
    deliveries = store.get(alert.id).deliveries
    assert (deliveries["slack"].state, deliveries["ops"].state) == (DeliveryState.FAILED, DeliveryState.SENT)
    assert "answered 503" in deliveries["slack"].error
    assert job_of(machine, alert, "slack").state is State.DELAYED

    clock.advance(3_600)
    deliver(machine)
    assert store.get(alert.id).deliveries["slack"].state is DeliveryState.SENT
    assert [request.path for request in people.received] == ["/slack/T0/s3cr3t", "/ops", "/slack/T0/s3cr3t"]


def test_slack_s_retry_after_is_kept(machine, people, alert, clock):
    people.answers(status(429, Retry_After="600"))
    send(machine, alert, "slack")
    asked = timedelta(seconds=600)
    earliest = clock() + asked
    deliver(machine)
    assert earliest <= job_of(machine, alert, "slack").due_at <= clock() + asked


def test_a_webhook_of_slack_that_is_gone_fails_for_good_without_its_address(machine, people, alert, store, capsys):
    people.answers(status(404, b"no_service"))
    send(machine, alert, "slack")
    deliver(machine)
    record = job_of(machine, alert, "slack")
    assert (record.state, record.error.error_class) == (State.FAILED, ErrorClass.REJECTED)
    assert "no_service" in store.get(alert.id).deliveries["slack"].error
    told = capsys.readouterr()
    assert "s3cr3t" not in told.out + told.err + str(record) + str(store.get(alert.id))


def test_a_missing_secret_is_told_with_the_remedy(machine, alert, cloud):
    aws.secretsmanager().delete_secret(SecretId=cloud.secret_prefix + "alerts/slack", ForceDeleteWithoutRecovery=True)
    send(machine, alert, "slack")
    deliver(machine)
    assert "backstay secrets set alerts/slack" in job_of(machine, alert, "slack").error.message


def test_a_secret_that_was_missing_is_found_as_soon_as_it_is_there(machine, people, store, alert, cloud):
    full_name = cloud.secret_prefix + "alerts/slack"
    aws.secretsmanager().delete_secret(SecretId=full_name, ForceDeleteWithoutRecovery=True)
    send(machine, alert, "slack")
    deliver(machine)
    aws.secretsmanager().create_secret(Name=full_name, SecretString=people.url("/new"))
    work = {"alert_id": alert.id, "channel": "slack", "about": "open"}
    machine.send_raw("deliver-alert", {"task": "deliver-alert", "tenant": "system", "input": work})
    deliver(machine)
    assert [request.path for request in people.received] == ["/new"]


def test_who_is_told_just_as_the_alert_is_resolved_hears_of_the_end_too(machine, people, alert, alerting):
    def resolve_and_take(handler: BaseHTTPRequestHandler) -> None:
        alerting.resolve(alert.id, "ada")
        status(200)(handler)

    people.answers(resolve_and_take, status(200))
    send(machine, alert, "slack")
    deliver(machine)
    deliver(machine)
    assert [json.loads(request.body)["text"].split()[0] for request in people.received] == ["CRITICAL", "RESOLVED"]


def test_the_same_message_twice_is_one_job(machine, people, alert):
    for _ in range(2):
        send(machine, alert, "slack")
        deliver(machine)
    assert len(people.received) == 1


def test_a_channel_that_is_no_longer_configured_is_passed_over(machine, alert):
    send(machine, alert, "pager")
    deliver(machine)
    assert told_by(job_of(machine, alert, "pager"))["sent"] is False


@pytest.mark.parametrize("move", ["acknowledge", "resolve"])
def test_nobody_is_told_of_an_alert_that_somebody_looked_after_meanwhile(machine, people, alert, alerting, move):
    getattr(alerting, move)(alert.id, "ada")
    send(machine, alert, "slack")
    deliver(machine)
    assert not people.received
    assert told_by(job_of(machine, alert, "slack"))["sent"] is False


def test_nobody_is_told_of_an_alert_that_was_silenced_meanwhile(machine, people, alert, cloud, clock):
    now = utc_now()
    silence = Silence("silence-1", Covers.RULE, alert.rule, now, now + SILENCE_FOR, "ada")
    MuteStore(cloud.alerts_table).put(silence)
    send(machine, alert, "slack")
    deliver(machine)
    assert not people.received


def test_whoever_has_had_the_alert_hears_once_that_it_is_over(machine, people, alert, alerting, store):
    for channel in ("slack", "pagerduty"):
        send(machine, alert, channel)
    deliver(machine)
    people.received.clear()

    alerting.resolve(alert.id, "ada")
    for _ in range(2):
        Telling(machine.env, config.load().alerts).tell(store.get(alert.id))  # handed on again: no second message
        deliver(machine)

    told = {request.path: json.loads(request.body) for request in people.received}
    assert len(people.received) == 2
    assert told["/v2/enqueue"]["event_action"] == "resolve"
    assert "Resolved by ada." in told["/slack/T0/s3cr3t"]["text"]


def test_only_pagerduty_hears_that_somebody_looks_after_it(machine, people, alert, alerting):
    for channel in ("slack", "pagerduty", "ops"):
        send(machine, alert, channel)
    deliver(machine)
    people.received.clear()

    alerting.acknowledge(alert.id, "ada")
    deliver(machine)

    [request] = people.received
    assert json.loads(request.body) == {
        "routing_key": "r0ut1ng",
        "event_action": "acknowledge",
        "dedup_key": f"backstay-{alert.id}",
    }


def test_a_channel_that_never_got_the_alert_does_not_hear_of_its_end(machine, people, alert, alerting):
    people.answers(status(503))
    send(machine, alert, "slack")
    deliver(machine)
    people.received.clear()
    alerting.resolve(alert.id, "ada")
    deliver(machine)
    assert not people.received


def test_a_channel_that_may_have_got_the_alert_hears_of_its_end(machine, people, alert, alerting):
    people.answers(hangs_up)
    send(machine, alert, "slack")
    deliver(machine)
    people.received.clear()
    people.answers(status(200))
    alerting.resolve(alert.id, "ada")
    deliver(machine)
    assert len(people.received) == 1


def test_an_alert_that_opens_begins_its_escalation_once(alerting, step_functions):
    happened = Occurrence("cost.credits_low", "anthropic", Kind.HAPPENED, utc_now(), "Top it up")
    opened = alerting.take(happened)
    assert alerting.take(happened).id == opened.id
    assert opened.state is AlertState.OPEN
    [execution] = step_functions.executions.values()
    assert execution.input == {"alert_id": opened.id, "policy": "cost"}
    assert execution.arn.endswith(f"backstay-test-escalate-alert:{opened.id}")


def test_an_escalation_that_cannot_begin_is_begun_when_the_alert_is_looked_at_again(alerting, step_functions, store):
    step_functions.broken = 1
    happened = Occurrence("worker.unhealthy", "enhance-story", Kind.HAPPENED, utc_now(), "Look")
    with pytest.raises(Exception, match="slow down"):
        alerting.take(happened)
    assert not step_functions.executions
    alerting.take(happened)
    assert len(step_functions.executions) == 1
