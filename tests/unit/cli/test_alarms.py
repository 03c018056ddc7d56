"""An alarm's state as CloudWatch reckons it, which the embedded cloud does for the emulator."""

from collections.abc import Sequence

import pytest

from cli.local.alarms import Point, state_of

NOW = 1_000_000.0


def highest(points: Sequence[Point]) -> float | None:
    return max(float(point["Value"]) for point in points)


def state(*measured: tuple[float, float], was: str = "ALARM", periods: int = 1, **options: object) -> str:
    alarm = {
        "Period": 60,
        "EvaluationPeriods": periods,
        "Threshold": 10,
        "ComparisonOperator": "GreaterThanThreshold",
        "StateValue": was,
        "TreatMissingData": "notBreaching",
        **options,
    }
    return state_of(alarm, [{"Timestamp": NOW - ago, "Value": value} for value, ago in measured], highest, NOW)


@pytest.mark.parametrize(
    ("begins", "at_the_limit"),
    [
        ("GreaterThanThreshold", "OK"),
        ("GreaterThanOrEqualToThreshold", "ALARM"),
        ("LessThanThreshold", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM"),
    ],
)
def test_whether_the_limit_itself_counts_is_the_comparison_s_word(begins: str, at_the_limit: str) -> None:
    assert state((10, 1), ComparisonOperator=begins) == at_the_limit


def test_what_was_measured_before_the_periods_is_over() -> None:
    assert state((99, 61)) == "OK"


def test_it_must_hold_in_each_period() -> None:
    assert state((99, 1), (99, 61), periods=2) == "ALARM"
    assert state((99, 1), (9, 61), periods=2) == "OK"


@pytest.mark.parametrize(("missing", "after"), [("notBreaching", "OK"), ("breaching", "ALARM"), ("ignore", "ALARM")])
def test_what_is_not_measured_is_what_the_alarm_says_it_is(missing: str, after: str) -> None:
    assert state(TreatMissingData=missing) == after


@pytest.mark.parametrize("was", ["ALARM", "OK", "INSUFFICIENT_DATA"])
def test_no_news_changes_nothing(was: str) -> None:
    assert state(was=was, TreatMissingData="ignore") == was
