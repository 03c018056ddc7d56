"""Every sample event is handed to the real handler, and does what its file says."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from backstay import aws
from backstay.alerts.alert import opened_by
from backstay.alerts.occurrence import Kind, Occurrence, Severity
from backstay.alerts.store import AlertStore
from backstay.catalog import Catalog
from backstay.clock import utc_now
from backstay.content import ContentTable
from backstay.costs.book import CostBook
from backstay.jobs import keys
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.record import JobRecord, State
from backstay.jobs.step import job_of_step
from backstay.live.connections import ConnectionStore
from backstay.live.telling import QUEUE
from backstay.settings import Environment
from backstay.workflows.run import RunRecord, RunState
from backstay.workflows.run_store import RunStore
from cli.demo.outcome import judge
from cli.demo.scenarios import Events, read_events
from delete_tenant_data.erasing import Eraser
from tests.integration.conftest import Context, Machine, SettableClock, make_queues
from tests.integration.samples import EVENTS, FUNCTIONS, RAW, House, forget_processes, handler_of, inbox, providers_of
from tests.integration.step_functions import StepFunctions

LAMBDAS = sorted(path.parent.name.replace("_", "-") for path in FUNCTIONS.glob("*/__init__.py"))


@pytest.fixture
def house(
    cloud: Environment, clock: SettableClock, llmock: LLMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """The app as it is deployed on the embedded cloud, in moto."""
    for name, value in dataclasses.asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(FUNCTIONS))
    monkeypatch.setenv("BACKSTAY_CONFIG", str(tmp_path / "backstay.toml"))
    catalog = Catalog(FUNCTIONS)
    make_queues(catalog)
    with inbox() as inbox_url:
        config = providers_of(llmock.url, inbox_url.removeprefix("http://"), cloud)
        (tmp_path / "backstay.toml").write_text(config)
        forget_processes()
        yield House(Machine(cloud, catalog, clock), llmock.url, inbox_url)
        forget_processes()


@pytest.mark.parametrize("name", LAMBDAS)
def test_every_lambda_has_a_sample_event(name: str) -> None:
    ways = (EVENTS / f"{name}.json", RAW / f"{name}.json")
    assert any(path.exists() for path in ways), f"write {ways[0]} (work that is sent) or {ways[1]} (as Lambda gets it)"


def test_every_sample_event_belongs_to_a_lambda() -> None:
    assert {path.stem for folder in (EVENTS, RAW) for path in folder.glob("*.json")} <= set(LAMBDAS)
    assert all(path.stem == json.loads(path.read_text())["task"] for path in EVENTS.glob("*.json"))


@pytest.mark.parametrize("events", read_events(EVENTS), ids=lambda events: events.task)
def test_what_a_caller_sends_ends_as_its_sample_says(house: House, events: Events) -> None:
    outcomes = house.run(events)
    complaints = {name: judge(outcome, outcomes) for name, outcome in outcomes.items()}
    assert not any(complaints.values()), complaints


def test_api_takes_a_job(house: House) -> None:
    answer = handler_of("api")(house.raw("api"), SimpleNamespace(aws_request_id="1", function_name="api"))
    assert answer["statusCode"] == 202
    job = json.loads(answer["body"])
    assert (job["task"], job["state"]) == ("enhance-story", "waiting")
    assert house.machine.record(job["id"]).tags == ("newsroom",)


def test_sweep_puts_on_record_what_lies_dead(house: House) -> None:
    house.machine.send_raw("enhance-story-dead", "no job")
    report = handler_of("sweep")(house.raw("sweep"), Context(remaining_ms=240_000))
    done, money = {"enhance-story": {"poison_recorded": 1}}, {"certain": 0, "uncertain": 0}
    assert report == {"done": done, "left_out": [], "money": money}


def test_follow_changes_counts_by_task_and_tenant(house: House) -> None:
    handler_of("follow-changes")(house.raw("follow-changes"), Context())
    counters = CounterStore(house.machine.env.jobs_table)
    totals = counters.read_task("enhance-story", utc_now()).totals
    assert (totals[State.WAITING], totals[State.ACTIVE], totals[State.COMPLETED]) == (1, 0, 1)
    assert counters.read_tenant("acme")["enhance-story"][State.COMPLETED] == 1
    assert counters.read_tenant("umbrella")["enhance-story"][State.WAITING] == 1


def test_live_opens_a_socket_for_a_ticket_once(house: House) -> None:
    event, connections = house.raw("live"), ConnectionStore(house.machine.env.connections_table)
    event["queryStringParameters"]["ticket"] = connections.issue("acme", "hash").text
    handle = handler_of("live")
    assert [handle(event, Context())["statusCode"] for _ in range(2)] == [200, 403]
    assert [connection.audience for connection in connections.all()] == ["acme"]


def test_follow_changes_adds_up_what_jobs_cost(house: House) -> None:
    handler_of("follow-changes")(house.raw("follow-changes"), Context())
    day, book = date(2026, 11, 25), CostBook(house.machine.env.jobs_table)
    lines = [*book.of_everybody(day, day), *book.of_tenant("acme", day, day), *book.by_tag("acme", day, day)]
    assert [(spent.cost_usd, spent.jobs) for _, spent in lines] == [(Decimal("0.0001417"), 1)] * 3


def test_try_provider_tells_what_happened(house: House) -> None:
    trial = handler_of("try-provider")(house.raw("try-provider"), Context())
    assert (trial["ok"], trial["provider"], trial["error_class"]) == (True, "anthropic", None), trial


def test_deliver_webhook_tells_the_receiver_under_a_signature(house: House) -> None:
    record = work_off(house, "deliver-webhook")
    assert record.state is State.COMPLETED, record.error or record.failures
    (delivery,) = house.delivered()
    assert (delivery["path"], delivery["headers"]["webhook-id"]) == ("/sample", "msg_story-1-completed-0")
    assert delivery["headers"]["webhook-signature"].startswith("v1,")


def test_deliver_alert_tells_the_receiver_that_stands_in_for_slack(house: House) -> None:
    happened = Occurrence("worker.dead_letter", "enhance-story", Kind.BEGINS, utc_now(), "Look: backstay dlq ls")
    opened = dataclasses.replace(opened_by(happened, Severity.CRITICAL, None), id="ylhqn3f5w2o6zkt4b7cdmaxe")
    AlertStore(house.machine.env.alerts_table).open(opened)
    record = work_off(house, "deliver-alert")
    assert record.state is State.COMPLETED, record.error or record.failures
    (delivery,) = house.delivered()
    assert delivery["path"] == "/alerts/slack"
    assert "worker.dead_letter: enhance-story" in delivery["body"]


def test_redrive_dead_letters_sends_every_failed_job_anew(house: House) -> None:
    failed = failed_job(house.machine)
    record = work_off(house, "redrive-dead-letters")
    assert result_of(record) == {"moved": 1, "skipped": 0, "failed": 0}
    assert (house.machine.record(failed.id).state, house.machine.record(failed.id).attempts) == (State.WAITING, 0)


def test_delete_tenant_data_leaves_nothing_of_the_tenant(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    eraser = Eraser(house.machine.env, house.machine.clock)  # it waits for what is on its way, by the clock
    monkeypatch.setattr(Eraser, "of_this_function", lambda: eraser)
    contents = ContentTable(house.machine.env.content_table)
    for tenant in ("acme", "umbrella"):
        contents.put(tenant, "story#1", {"title": "T"})
    record = work_off(house, "delete-tenant-data")
    assert result_of(record)["contents"] == 1
    assert contents.get("acme", "story#1") is None
    assert contents.get("umbrella", "story#1") is not None


def test_settle_step_calls_off_a_step_that_has_not_begun(house: House) -> None:
    record = work_off(house, "settle-step")
    assert result_of(record) == {"undo": False, "why": "it is cancelled, and had no effect"}
    step = house.machine.record(job_of_step("system." + "r" * 24, "generate", "enhance-story"))
    assert step.state is State.CANCELLED


def test_await_signal_notes_who_waits(house: House) -> None:
    record = work_off(house, "await-signal")
    assert result_of(record) == {"run_id": "system." + "r" * 24, "event": "approval-approved"}
    wait = RunStore(house.machine.env.workflows_table).get_part("system." + "r" * 24, "wait#approval-approved")
    assert wait is not None
    assert (wait["step"], wait["token"]) == ("approval", "AQCEAAAAKgAAAAMAAAAAAAAAAQ")


def test_coordinate_workflow_shares_state_with_another_run(house: House) -> None:
    for letter in "rt":
        put_run(house, f"system.{letter * 24}")
    record = work_off(house, "coordinate-workflow")
    assert result_of(record)["result"] == {"synced": ["audience"], "version": 1}


def test_watch_workflows_takes_in_how_a_run_ended(house: House) -> None:
    runs = put_run(house, run_id := "acme." + "r" * 24)
    answer = handler_of("watch-workflows")(house.raw("watch-workflows"), Context())
    assert answer == {"run_id": run_id, "state": "compensated"}
    ended = runs.get(run_id)
    assert ended is not None
    assert ended.cause == '{"Error": "rejected", "Cause": "deliver answered 410"}'
    assert handler_of("watch-workflows")(house.raw("sweep"), Context(remaining_ms=240_000))["stuck"] == []


def test_route_alerts_opens_an_alert_of_an_alarm_and_ends_it_with_the_alarm(
    house: House, step_functions: StepFunctions
) -> None:
    event = house.raw("route-alerts")
    opened = handler_of("route-alerts")(event, Context())
    assert list(opened.values()) == ["open"]
    (alert,) = AlertStore(house.machine.env.alerts_table).unresolved()
    assert (alert.id, alert.rule, alert.source) == (next(iter(opened)), "worker.dead_letter", "enhance-story")
    assert step_functions.executions[alert.id].input["policy"] == "critical"
    message = event["Records"][0]["Sns"]
    message["Message"] = message["Message"].replace('"NewStateValue":"ALARM"', '"NewStateValue":"OK"')
    assert handler_of("route-alerts")(event, Context()) == {alert.id: "resolved"}
    assert handler_of("route-alerts")(house.raw("sweep"), Context()) == {}  # its clock's event is like the sweep's


def test_follow_ledger_tells_of_thresholds_that_are_crossed(house: House, step_functions: StepFunctions) -> None:
    for _ in range(2):
        handler_of("follow-ledger")(house.raw("follow-ledger"), Context())
    alerts = AlertStore(house.machine.env.alerts_table).unresolved()
    assert {(alert.rule, alert.source) for alert in alerts} == {
        ("cost.budget_warning", "tenant:acme.daily"),
        ("cost.budget_critical", "tenant:acme.daily"),
    }
    assert set(step_functions.executions) == {alert.id for alert in alerts}


def test_wake_parked_jobs_looks_for_whoever_waits_for_the_budget(house: House) -> None:
    assert result_of(work_off(house, "wake-parked-jobs")) == {"woken": 0, "used_up_again": False}


def put_run(house: House, run_id: str) -> RunStore:
    """A run that goes on; answers where it is kept."""
    runs, now = RunStore(house.machine.env.workflows_table), house.machine.clock()
    record = RunRecord(run_id, "launch-campaign", RunState.RUNNING, "k", "d", now, now, now)
    runs.create(record, {"id": run_id, "part": "input", "body": "{}"})
    return runs


def failed_job(machine: Machine) -> JobRecord:
    """A job that failed for good: a webhook that no key can sign."""
    work = {"webhook_id": "m", "url": "https://x.test/", "key_id": "nobody", "event": "job.failed", "payload": {}}
    job = machine.submit("deliver-webhook", work)
    machine.deliver("deliver-webhook")
    assert machine.record(job.id).state is State.FAILED
    return job


def work_off(house: House, task: str) -> JobRecord:
    """Hand a worker its sample, and what it sends itself, until the job is over."""
    event = house.raw(task)
    answer = house.machine.worker(task).handle(event, Context(remaining_ms=130_000))
    assert answer == {"batchItemFailures": []}
    job_id = keys.job_id(keys.SYSTEM_TENANT, task, event["Records"][0]["messageId"])
    for _ in range(10):
        if house.machine.record(job_id).state.is_terminal:
            break
        house.pass_time()
        house.work(task)
    return house.machine.record(job_id)


def result_of(record: JobRecord) -> Any:
    assert record.result is not None, record.error or record.failures
    return json.loads(record.result.inline or "")


def test_who_watches_hears_of_alerts_and_of_runs(house: House, step_functions: StepFunctions) -> None:
    env = house.machine.env
    aws.sqs().create_queue(QueueName=f"backstay-test-{QUEUE}")
    connections = ConnectionStore(env.connections_table)
    for number, audience in enumerate(("acme", "*")):
        connections.open(connections.issue(audience, "hash").text, f"c{number}")
    put_run(house, run_id := "acme." + "r" * 24)
    handler_of("watch-workflows")(house.raw("watch-workflows"), Context())
    (alert_id,) = handler_of("route-alerts")(house.raw("route-alerts"), Context())
    told = [json.loads(message["body"]) for message in house.machine.receive(QUEUE)]
    of_run, of_alert = {"runs": [run_id]}, {"alerts": [alert_id]}
    wanted = [("*", of_alert), ("*", of_run), ("acme", of_run)]
    assert sorted(((one["audience"], one["changes"]) for one in told), key=str) == wanted
