"""The demo's summary: what the page shows is held against every job."""

from dataclasses import replace
from decimal import Decimal

from cli.demo.summary import Summary

AGREES = Summary(
    counted={"waiting": 0, "completed": 2, "failed": 1},
    listed={"completed": 2, "failed": 1},
    spent=Decimal("1.0000295"),
    receipts=Decimal("0.0005295"),
    elsewhere=Decimal("0.9995"),
)


def test_what_agrees_is_told_to_the_last_digit() -> None:
    assert not AGREES.complaint
    assert AGREES.text().startswith("jobs:  2 completed, 1 failed\nspent: $1.0000295: $0.0005295 by receipts")


def test_a_job_that_was_not_counted_is_told() -> None:
    assert "differ in completed" in replace(AGREES, listed={"completed": 3, "failed": 1}).complaint


def test_a_millionth_of_a_millionth_too_much_is_told() -> None:
    wrong = replace(AGREES, spent=AGREES.spent + Decimal("1e-12"))
    assert "receipts $0.0005295" in wrong.complaint
    assert wrong.to_json()["complaint"] == wrong.complaint


def test_whose_jobs_are_not_over_is_named() -> None:
    summary = replace(AGREES, counted={**AGREES.counted, "delayed": 1}, still_to_come=("wake-parked-jobs",))
    assert summary.text().startswith("jobs:  2 completed, 1 failed, 1 delayed (wake-parked-jobs)\n")
