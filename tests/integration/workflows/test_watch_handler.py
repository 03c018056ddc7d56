"""The Lambda that watches runs: what it answers, measures and tells. One sentence a test."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backstay import aws
from backstay.dynamodb import encode_item
from backstay.workflows import catalog as saga_catalog
from backstay.workflows.run import RunRecord, RunState
from tests.conftest import Bus
from tests.integration.conftest import Context
from tests.integration.workflows.conftest import PLAN, House
from watch_workflows import handler as watch


@pytest.fixture(autouse=True)
def surroundings(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the function finds in its environment, and nothing left over of another test's."""
    for name, value in dataclasses.asdict(house.env).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    file = tmp_path / "sagas.json"
    file.write_text(saga_catalog.SagaFile(sagas=(PLAN,)).model_dump_json())
    monkeypatch.setenv(saga_catalog.VARIABLE, str(file))
    _forget()
    yield
    _forget()


def _forget() -> None:
    for known in (saga_catalog.sagas, watch._events, watch._watcher, watch._teller):
        known.cache_clear()


def metrics_of(text: str) -> dict[str, Any]:
    """Names and values of what was measured."""
    lines = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    names = [(line, metric["Name"]) for line in lines for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {name: line[name] for line, name in names if name.startswith("Run")}


def aged(house: House, record: RunRecord, by: timedelta) -> None:
    """Let a run have begun so long ago."""
    begun_at = record.begun_at - by
    house.runs.change(record.id, lambda now_stands: replace(now_stands, begun_at=begun_at, changed_at=begun_at))


def test_a_run_that_is_stuck_is_measured_and_told_once(house: House, bus: Bus, capsys):
    record = house.start()
    aged(house, record, timedelta(hours=2))
    assert watch.handler({}, Context())["stuck"] == [record.id]
    assert metrics_of(capsys.readouterr().out)["RunsStuck"] in (1, [1])
    assert bus.told == [("workflow.stuck", record.id, "begins")]
    assert watch.handler({}, Context()) == {"looked_at": 1, "stuck": []}
    assert (len(bus.told), metrics_of(capsys.readouterr().out)) == (1, {})


def test_a_run_that_could_not_be_undone_is_measured_and_told(house: House, bus: Bus, capsys):
    record = house.start()
    execution = house.execution(record.id)
    execution.status, execution.error, execution.stopped_at = "FAILED", "compensation_failed", house.machine.clock()
    event = {"detail-type": watch.STATUS_EVENT, "detail": house.status_event(execution)}
    assert watch.handler(event, Context()) == {"run_id": record.id, "state": "compensation_failed"}
    assert metrics_of(capsys.readouterr().out)["RunsCompensationFailed"] in (1, [1])
    assert bus.told == [("workflow.compensation_failed", record.id, "begins")]


def test_an_event_of_what_is_no_run_of_ours_comes_to_nothing(house: House, bus: Bus):
    event = {"detail-type": watch.STATUS_EVENT, "detail": {"name": "by-hand", "status": "SUCCEEDED"}}
    assert watch.handler(event, Context()) == {}
    assert bus.told == []


def test_a_run_that_cannot_be_looked_at_fails_the_round_by_name_and_hinders_no_other(house: House, bus: Bus):
    gone, stuck = house.start(key="1"), house.start(key="2")
    aged(house, stuck, timedelta(hours=2))
    execution = house.execution(gone.id)
    execution.status = "ABORTED"
    house.runs.change(gone.id, lambda record: replace(record, changed_at=record.changed_at - timedelta(minutes=9)))
    aws.dynamodb().delete_item(TableName=house.env.workflows_table, Key=encode_item({"id": gone.id, "part": "input"}))
    with pytest.raises(watch.WatchError, match=gone.id):
        watch.handler({}, Context())
    assert bus.told == [("workflow.stuck", stuck.id, "begins")]
    assert house.run(stuck.id).state is RunState.RUNNING
