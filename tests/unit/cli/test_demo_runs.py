"""Sample runs of sagas: files that fit, ends that are compared."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.demo.run_report import cost_of_runs, runs_to_json
from cli.demo.runs import RunExpectation, RunOutcome, RunScenario, judge_run, read_runs
from cli.local.state import REPOSITORY
from cli.problems import Problem
from cli.run_views import RunView

RUN = {
    "id": "default.r",
    "saga": "launch-campaign",
    "tenant": "default",
    "state": "compensated",
    "started_at": "2026-11-25T12:00:00.000Z",
    "duration_ms": 900,
    "error": {"class": "rejected", "message": "410"},
    "steps": [
        {"name": "parse", "state": "completed", "output": {"answer": {"text": "None yet."}}, "cost_usd": "0.5"},
        {"name": "generate", "state": "completed", "is_undone": True, "undo": {"state": "completed"}},
    ],
    "undone": ["generate"],
    "cost_usd": "0.75",
}


def outcome(expect: dict[str, Any], run: dict[str, Any] | None = None, **more: Any) -> RunOutcome:
    scenario = RunScenario(name="n", input={}, then=more.pop("then", None), expect=RunExpectation(**expect))
    return RunOutcome("launch-campaign", scenario, run=RunView.of(RUN if run is None else run), **more)


def test_every_sample_run_of_this_repository_fits() -> None:
    runs = read_runs(REPOSITORY / "events" / "sagas")
    assert [one.saga for one in runs] == ["launch-campaign"]
    assert all(scenario.expect.state or scenario.expect.status for one in runs for scenario in one.scenarios)


def test_a_run_that_ended_as_expected_has_no_complaints() -> None:
    expect = {
        "state": "compensated",
        "undone": ("generate",),
        "steps": {"parse": "completed"},
        "error_class": "rejected",
    }
    assert judge_run(outcome(expect | {"answer": "None yet"})) == ()


@pytest.mark.parametrize(
    ("expect", "complaint"),
    [
        ({"state": "completed"}, "end is compensated, expected completed"),
        ({"status": 422}, "end is compensated, expected refused 422"),
        ({"state": "compensated", "undone": ()}, "undone are ['generate'], expected []"),
        ({"state": "compensated", "steps": {"deliver": "failed"}}, "step deliver is None, expected failed"),
        ({"state": "compensated", "error_class": "gave_up"}, "error class is rejected, expected gave_up"),
        ({"state": "compensated", "answer": "Summer"}, "the answer doesn't hold 'Summer'"),
    ],
)
def test_what_is_other_than_expected_is_told(expect: dict[str, Any], complaint: str) -> None:
    assert judge_run(outcome(expect)) == (complaint,)


def test_a_run_that_was_to_be_approved_must_have_waited() -> None:
    assert judge_run(outcome({"state": "compensated"}, then="approve")) == ("it never waited for approval",)
    assert judge_run(outcome({"state": "compensated"}, then="approve", has_waited=True)) == ()


def test_a_run_is_over_at_its_end_and_not_while_it_waits() -> None:
    waiting = RUN | {"state": "waiting_for_approval", "error": None, "waits_for": {"step": "approval"}}
    assert outcome({"state": "completed"}).is_over
    assert not outcome({"state": "completed"}, waiting).is_over
    assert RunView.of(waiting).why == "waits for approval"
    assert RunView.of(RUN).why == "rejected: 410"


def test_runs_stand_in_the_demo_s_json_and_cost_once() -> None:
    one = outcome({"state": "completed"})
    (told,) = json.loads(json.dumps(runs_to_json([one])))
    assert (told["end"], told["complaints"]) == ("compensated", ["end is compensated, expected completed"])
    assert cost_of_runs([one, one]) == Decimal("0.75")


def test_a_file_that_does_not_fit_is_told_by_its_part(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"saga": "x", "scenarios": [{"name": "n", "input": {}}]}')
    with pytest.raises(Problem, match=r"scenarios\.0\.expect: Field required"):
        read_runs(tmp_path)
