"""What the checks conclude from what they saw."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cli.aws_check import costs, fairness, permissions, pollers, throttling
from cli.aws_check.costs import ModelPrice
from cli.aws_check.finding import Finding, Verdict, all_hold
from cli.aws_check.ground import Ran
from cli.aws_check.permissions import Expectation
from cli.aws_check.run import checks

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _ran(started_s: float, took_s: float = 1) -> Ran:
    started = _NOON + timedelta(seconds=started_s)
    document = {
        "id": "acme.job",
        "task": "obey",
        "tenant": "acme",
        "state": "completed",
        "created_at": _NOON.isoformat(),
    }
    finished = started + timedelta(seconds=took_s)
    return Ran.of(document | {"started_at": started.isoformat(), "finished_at": finished.isoformat()})


def test_a_quiet_tenant_that_passes_most_of_the_backlog_is_treated_fairly() -> None:
    noisy, quiet = [_ran(second) for second in range(100)], [_ran(10 + number) for number in range(10)]
    assert fairness.judge_fairness(noisy, quiet).verdict is Verdict.PROVED


def test_a_quiet_tenant_that_waits_for_the_whole_backlog_is_not() -> None:
    noisy, quiet = [_ran(second) for second in range(100)], [_ran(100 + number) for number in range(10)]
    finding = fairness.judge_fairness(noisy, quiet)
    assert finding.verdict is Verdict.REFUTED
    assert "100%" in finding.measured


def test_a_backlog_that_is_gone_in_a_moment_shows_nothing() -> None:
    noisy, quiet_at = [_ran(second / 100) for second in range(100)], (0.2, 1.0)
    for first in quiet_at:
        quiet = [_ran(first + number / 100) for number in range(10)]
        assert fairness.judge_fairness(noisy, quiet).verdict is Verdict.NOT_SHOWN


@pytest.mark.parametrize(
    ("ran", "most"),
    [
        ([_ran(0), _ran(1), _ran(2)], 1),
        ([_ran(0, 3), _ran(1, 3), _ran(2, 3)], 3),
        ([_ran(0, 2), _ran(1, 1), _ran(5)], 2),
    ],
)
def test_jobs_that_overlap_run_at_once(ran: list[Ran], most: int) -> None:
    assert fairness.most_at_once(ran) == most
    assert fairness.judge_concurrency(ran, most).verdict is Verdict.PROVED
    assert fairness.judge_concurrency(ran, most - 1).verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("statuses", "verdicts"),
    [
        ({200: 600}, [Verdict.PROVED, Verdict.NOT_SHOWN]),
        ({200: 500, 429: 100}, [Verdict.PROVED, Verdict.PROVED]),
        ({200: 500, 503: 100}, [Verdict.REFUTED, Verdict.NOT_SHOWN]),
        ({200: 599, 0: 1}, [Verdict.REFUTED, Verdict.NOT_SHOWN]),
    ],
)
def test_an_api_under_a_burst_may_turn_away_but_not_break(statuses: dict[int, int], verdicts: list[Verdict]) -> None:
    assert [finding.verdict for finding in throttling.judge(statuses)] == verdicts


@pytest.mark.parametrize(
    ("an_hour", "verdict"),
    [([], Verdict.NOT_SHOWN), ([900.0, 880.0], Verdict.PROVED), ([9_000.0], Verdict.REFUTED)],
)
def test_idle_pollers_are_measured_by_the_month(an_hour: list[float], verdict: Verdict) -> None:
    assert pollers.judge(an_hour).verdict is verdict


class _Iam:
    """A simulator with one opinion."""

    def __init__(self, decision: str) -> None:
        self._decision = decision

    def simulate_principal_policy(self, *, ActionNames: Sequence[str], **_: object) -> dict[str, Any]:  # noqa: N803
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": self._decision} for name in ActionNames]}


@pytest.mark.parametrize(("decision", "wrong_when_allowed"), [("allowed", False), ("implicitDeny", True)])
def test_a_permission_is_wrong_in_either_direction(decision: str, wrong_when_allowed: bool) -> None:
    for allowed in (True, False):
        expectation = Expectation("api", allowed, ("sqs:SendMessage",), "sqs:queue")
        wrong = permissions._wrong(_Iam(decision), "role", expectation, "arn")
        assert bool(wrong) is (wrong_when_allowed is allowed)


def test_every_function_has_something_that_it_may_not() -> None:
    for function in {expectation.function for expectation in permissions.EXPECTATIONS}:
        assert {e.allowed for e in permissions.EXPECTATIONS if e.function == function} == {True, False}


def test_the_costs_are_those_of_the_checks_that_were_chosen() -> None:
    names, price = [check.name for check in checks(200)], ModelPrice("anthropic/small", Decimal(1), Decimal(5))
    everything = costs.estimate(names, 200, {"enhance-story"}, price)
    assert everything.jobs == everything.model_jobs > 210
    assert everything.takes_s > 900
    assert Decimal("0.5") < everything.usd < Decimal(3)
    with_slow_task = costs.estimate(names, 200, {"enhance-story", "obey"}, price)
    assert with_slow_task.model_jobs < 20
    reading_only = costs.estimate(["permissions", "pollers"], 200, {"enhance-story"}, price)
    assert (reading_only.jobs, reading_only.usd) == (0, 0)


def test_without_a_provider_nothing_is_paid_for_models() -> None:
    nothing = costs.estimate(["fairness"], 200, {"enhance-story"}, None)
    assert (nothing.model_jobs, nothing.model_usd) == (0, 0)
    assert "no model is asked" in costs.told(nothing, None)[-1]


def test_what_was_not_shown_is_no_failure_and_what_was_refuted_is() -> None:
    shown = [Finding("a", "b", Verdict.PROVED), Finding("a", "c", Verdict.NOT_SHOWN)]
    assert all_hold(shown)
    assert not all_hold([*shown, Finding("a", "d", Verdict.REFUTED)])
