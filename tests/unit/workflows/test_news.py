"""What of a run's news is over when its record changes. One sentence a test."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backstay.workflows.news import APPROVAL_NEEDED, COMPENSATION_FAILED, STUCK, over
from backstay.workflows.run import Outcome, RunRecord, RunState, Stuck, Wait, WaitKind
from tests.unit.workflows.made_up_runs import NOW, RUN

LATER = NOW + timedelta(minutes=5)
OUTCOME = Outcome(timedelta(days=7), timedelta(days=30), "compensation_failed", "no")
WAIT = Wait("approval", "yes", WaitKind.APPROVAL, 1, "2026-11-25T08:00:01.000Z", NOW + timedelta(minutes=1))
WAITING = RUN.waits(WAIT, NOW)
TOLD = RUN.seen_stuck(Stuck(NOW, 900, "send")).told_stuck()


@pytest.mark.parametrize(
    "new",
    [
        WAITING.answered(WAIT, LATER),
        WAITING.wait_lapsed(LATER),
        WAITING.aborting(LATER),
        WAITING.ended(1, RunState.ABORTED, LATER, OUTCOME),
    ],
)
def test_nobody_is_asked_any_more_once_a_run_is_answered_called_off_or_over(new: RunRecord) -> None:
    assert over(WAITING, new) == (APPROVAL_NEEDED,)


def test_a_signal_that_is_awaited_was_never_told() -> None:
    listening = RUN.waits(replace(WAIT, kind=WaitKind.SIGNAL), NOW)
    assert over(listening, listening.answered(WAIT, LATER)) == ()


def test_what_was_told_to_be_stuck_is_told_to_go_on_and_nothing_else_is() -> None:
    assert over(TOLD, TOLD.seen_stuck(None)) == (STUCK,)
    assert over(TOLD, TOLD.ended(1, RunState.COMPLETED, LATER, OUTCOME)) == (STUCK,)
    assert over(TOLD, TOLD.seen_stuck(Stuck(LATER, 900, "other"))) == (), "it is still stuck"
    untold = RUN.seen_stuck(Stuck(NOW, 900, "send"))
    assert over(untold, untold.seen_stuck(None)) == ()


def test_a_run_that_is_undone_again_needs_nobody_for_now() -> None:
    failed = RUN.ended(1, RunState.COMPENSATION_FAILED, NOW, OUTCOME)
    assert over(RUN, failed) == ()
    assert over(failed, failed.redriving(LATER)) == (COMPENSATION_FAILED,)
