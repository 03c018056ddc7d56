"""The sweep's Lambda."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from backstay import aws, config
from backstay.budgets.batch import Batch
from backstay.budgets.ledger import Ask, Ledger
from backstay.budgets.store import LedgerStore
from backstay.clock import utc_now
from sweep import handler as sweep
from tests.integration.conftest import Context

NO_MONEY = {"certain": 0, "uncertain": 0}


@pytest.fixture(autouse=True)
def fresh_process():
    """No sweeper left over from another test's cloud."""
    sweep._sweeper.cache_clear()
    sweep._lapsed_leases.cache_clear()
    yield
    sweep._sweeper.cache_clear()
    sweep._lapsed_leases.cache_clear()


def test_a_sweep_reports_what_it_did_in_its_answer_and_its_metrics(operations, capsys):
    operations.send_raw("obey-dead", "no job")
    report = sweep.handler({}, Context(remaining_ms=240_000))
    assert report == {"done": {"obey": {"poison_recorded": 1}}, "left_out": [], "money": NO_MONEY}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["SweptPoisonRecorded"] for line in lines if line.get("Task") == "obey"] == [[1.0]]


def test_a_sweep_with_nothing_to_do_says_nothing_but_how_much_of_budgets_is_used(operations, capsys):
    assert sweep.handler({}, Context(remaining_ms=240_000)) == {"done": {}, "left_out": [], "money": NO_MONEY}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ("total", "daily", [0.0]) in [(line["Scope"], line["Window"], line["BudgetUsedPercent"]) for line in lines]


def test_a_task_that_can_not_be_swept_makes_the_lambda_fail_after_the_others_were(operations):
    operations.send_raw("obey-dead", "no job")
    aws.sqs().delete_queue(QueueUrl=operations.env.queue_url("obey-in-order-dead"))
    with pytest.raises(sweep.SweepError, match="obey-in-order: "):
        sweep.handler({}, Context(remaining_ms=240_000))


def test_a_budget_that_can_not_be_read_holds_up_no_job_and_makes_the_lambda_fail(operations, monkeypatch):
    """The reading is the edge of the world here: the guards table answers all but this."""

    class Unreadable:
        def read(self, scopes):
            raise ConnectionError(f"no answer about {scopes[0]}")

    operations.send_raw("obey-dead", "no job")
    aws.sqs().delete_queue(QueueUrl=operations.env.queue_url("obey-in-order-dead"))
    monkeypatch.setattr(sweep, "_standing", Unreadable)
    with pytest.raises(sweep.SweepError, match="obey-in-order: ") as raised:
        sweep.handler({}, Context(remaining_ms=240_000))
    assert isinstance(raised.value.__context__, ConnectionError)
    assert sweep._sweeper().sweep(lambda: False).done == {}  # the message was dealt with


def test_a_sweep_ends_before_its_lambda_does(operations):
    report = sweep.handler({}, Context(remaining_ms=4_000))
    assert sorted(report["left_out"]) == sorted(operations.catalog.names)


def test_a_sweep_settles_what_a_process_that_died_held_of_budgets(operations):
    table, yesterday = operations.env.guards_table, utc_now() - timedelta(days=1)
    died = Ledger(config.parse("").budgets, table, lambda: yesterday, Batch())
    died.reserve(Ask(Decimal("0.25"), ("total",), 60))
    assert sweep.handler({}, Context(remaining_ms=240_000))["money"] == {"certain": 0, "uncertain": 1}
    assert LedgerStore(table).read(["total"])["total"].reserved == 0
