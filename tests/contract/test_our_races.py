"""Our own races, which need a cloud whose writes are atomic: moto's are not."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from backstay import aws
from backstay.alerts.alert import Alert
from backstay.alerts.alerting import Alerting
from backstay.alerts.occurrence import Kind, Occurrence
from backstay.catalog import Catalog
from backstay.chats.table import ChatTable
from backstay.clock import utc_now
from backstay.jobs.record import JobRecord, State
from backstay.llm.answer_table import AnswerTable
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.coordination import Coordinator, Source
from backstay.workflows.run import Outcome, RunState
from backstay.workflows.run_store import RunStore
from backstay.workflows.shared_state import SHARED_PART, shared_in
from cli.aws import acting_as
from cli.local.environment import aws_environment
from tests.contract.clouds import Cloud, unique
from tests.handoffs import hand_to_and_fro, put_run
from tests.integration.conftest import TASKS, Machine, SettableClock, make_queues, make_tables

_JOBS = 20


@pytest.fixture(scope="module")
def machine(emulator: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The tasks of tests/tasks on the emulator."""
    with acting_as(aws_environment(str(emulator.endpoint_url), tmp_path_factory.mktemp("races"))):
        make_tables()
        aws.s3().create_bucket(Bucket="payloads")
        env = Environment(
            stage="test",
            jobs_table="jobs",
            content_table="content",
            keys_table="keys",
            cache_table="cache",
            guards_table="guards",
            idempotency_table="idempotency",
            chats_table="chats",
            workflows_table="workflows",
            alerts_table="alerts",
            connections_table="connections",
            payloads_bucket="payloads",
            queue_url_prefix=f"{emulator.endpoint_url}/{emulator.account}/backstay-test-",
            queue_arn_prefix=f"arn:aws:sqs:us-east-1:{emulator.account}:backstay-test-",
            state_machine_arn_prefix=f"arn:aws:states:us-east-1:{emulator.account}:stateMachine:backstay-test-",
            schedule_group="default",
            schedule_role_arn=f"arn:aws:iam::{emulator.account}:role/schedules",
            secret_prefix="backstay/test/",
            function_prefix="backstay-test-",
        )
        catalog = Catalog(TASKS)
        make_queues(catalog)
        yield Machine(env, catalog, SettableClock())


def test_many_that_join_and_leave_a_lane_at_once_lose_nobody(machine: Machine):
    session = unique("session")

    def submit(number: int) -> JobRecord:
        return machine.submit("obey-in-order", {"session": session, "text": str(number)})

    def all_done(submitting: list[Future[JobRecord]]) -> bool:
        return all(one.done() and machine.record(one.result().id).state is State.COMPLETED for one in submitting)

    with ThreadPoolExecutor(8) as threads:
        submitting = [threads.submit(submit, number) for number in range(_JOBS)]
        for _ in range(5 * _JOBS):
            machine.deliver("obey-in-order")
            if all_done(submitting):
                break
    assert all_done(submitting)


def test_ten_submits_of_one_key_at_once_make_one_job(machine: Machine):
    key = unique("key")

    def submit(_: int) -> str:
        return machine.submit("obey", {"text": "once"}, idempotency_key=key).id

    with ThreadPoolExecutor(10) as threads:
        ids = set(threads.map(submit, range(10)))
    assert len(ids) == 1
    machine.deliver("obey")
    record = machine.record(ids.pop())
    assert (record.state, record.fence) == (State.COMPLETED, 1)


def test_of_thirty_that_would_ask_the_same_at_once_one_may(machine: Machine):
    question = unique("question")
    with ThreadPoolExecutor(30) as threads:
        held = list(threads.map(lambda _: AnswerTable("cache").hold(question, 60), range(30)))
    assert sum(one is not None for one in held) == 1


@pytest.mark.usefixtures("machine")
def test_of_thirty_messages_that_a_session_sends_at_once_ten_are_let_in():
    session, now = unique("session"), utc_now()

    def admit(number: int) -> bool:
        return ChatTable("chats").admit("acme", session, f"m-{number}", now) is None

    with ThreadPoolExecutor(30) as threads:
        assert sum(threads.map(admit, range(30))) == 10


def test_two_runs_that_hand_over_to_one_another_at_once_lose_and_double_nothing(machine: Machine):
    found = hand_to_and_fro(machine.env.workflows_table, unique("handoff"), 100)
    assert not found.astray
    assert found.moved >= 100, "one of two that meet goes first, as a rule both go"


def test_states_that_are_shared_with_a_run_at_once_are_all_merged(machine: Machine):
    table = machine.env.workflows_table
    source, target = put_run(table, unique("source")), put_run(table, unique("target"))
    coordinator = Coordinator(table, Sagas(()))

    def share(number: int) -> None:
        coordinator.sync_state(Source(source, f"step-{number}"), target, {f"p{number}": number})

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(share, range(6)))
    shared = shared_in(RunStore(table).get_part(target, SHARED_PART))
    assert (shared.version, shared.properties) == (6, {f"p{number}": number for number in range(6)})


def test_runs_that_end_at_once_are_counted_one_by_one(machine: Machine):
    runs, now = RunStore(machine.env.workflows_table), utc_now()
    before = runs.numbers("publish")
    ids = [put_run(machine.env.workflows_table, unique(f"ends-{number}")) for number in range(12)]
    outcome = Outcome(timedelta(days=7), timedelta(days=30))

    def end(run_id: str) -> None:
        runs.change(run_id, lambda record: record.ended(1, RunState.COMPLETED, now, outcome))

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(end, [*ids, *ids]))
    after = runs.numbers("publish")
    assert after.completed - before.completed == 12
    assert after.started - before.started == 12


def test_what_happens_ten_times_at_once_is_one_alert_that_counts_ten(machine: Machine):
    told: list[str] = []
    alerting = Alerting(machine.env.alerts_table, {}, lambda alert: told.append(alert.id))
    source, now = unique("source"), utc_now()

    def happen(number: int) -> Alert | None:
        event = Occurrence("security.authentication_failures", source, Kind.HAPPENED, now, id=f"event-{number}")
        return alerting.take(event)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(happen, [*range(10), *range(10)]))  # each is told twice
    (alert,) = [one for one in alerting.store.unresolved() if one.source == source]
    assert (alert.count, alert.is_untold) == (10, False)
    assert set(told) == {alert.id}


def test_budgets_alert_once_in_a_period_however_many_tell_of_it_at_once(machine: Machine):
    alerting = Alerting(machine.env.alerts_table, {}, lambda _: None)
    source, now = unique("total"), utc_now()

    def cross(number: int) -> Alert | None:
        at = now + timedelta(milliseconds=number)
        return alerting.take(Occurrence("cost.budget_warning", source, Kind.HAPPENED, at, once_in="2026-11-25"))

    with ThreadPoolExecutor(8) as threads:
        ids = {alert.id for alert in threads.map(cross, range(8)) if alert}
    assert len(ids) == 1
