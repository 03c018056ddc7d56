"""When a job's message may be lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backstay.jobs.overdue import LONGEST_SPACING, PATIENCE
from backstay.jobs.record import JobRecord, State

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BY_STATE = {patience.state: patience for patience in PATIENCE}


def a_job(state: State, **more: object) -> JobRecord:
    record = JobRecord(
        id=f"acme.{'a' * 24}", task="obey", state=state, key="k", input_digest="d", created_at=NOW, changed_at=NOW
    )
    return replace(record, **more)


def after(**span: float) -> datetime:
    return NOW + timedelta(**span)


@pytest.mark.parametrize(
    ("record", "patient_until"),
    [
        (a_job(State.WAITING), after(minutes=15)),
        (a_job(State.WAITING, due_at=after(minutes=10)), after(minutes=25)),
        (a_job(State.DELAYED, due_at=after(hours=1)), after(hours=1, minutes=5)),
        (a_job(State.ACTIVE, lease_until=after(minutes=2)), after(minutes=7)),
    ],
)
def test_a_job_is_overdue_only_once_it_should_have_gone_on_long_ago(record, patient_until):
    patience = BY_STATE[record.state]
    assert not patience.is_overdue(record, patient_until - timedelta(seconds=1))
    assert patience.is_overdue(record, patient_until)


def test_each_time_that_a_message_is_sent_again_doubles_the_wait_for_the_next():
    patience, record, gaps = BY_STATE[State.WAITING], a_job(State.WAITING), []
    moment = after(minutes=15)
    for _ in range(6):
        record = record.resent(moment)
        sent_at = moment
        while not patience.is_overdue(record, moment):
            moment += timedelta(minutes=1)
        gaps.append((moment - sent_at) / timedelta(minutes=15))
    assert gaps == [2, 4, 8, 16, LONGEST_SPACING / timedelta(minutes=15), LONGEST_SPACING / timedelta(minutes=15)]


def test_a_job_that_changed_its_state_is_looked_at_afresh():
    resent = a_job(State.ACTIVE, lease_until=NOW).resent(NOW)
    assert (resent.cancelled(NOW, timedelta(1)).resends, resent.cancelled(NOW, timedelta(1)).resent_at) == (0, None)


def test_a_job_in_another_state_is_none_of_this_patience():
    assert not BY_STATE[State.WAITING].is_overdue(a_job(State.COMPLETED), after(days=3))


def test_the_index_is_read_only_up_to_where_a_job_can_be_overdue():
    lease = timedelta(minutes=2)
    assert BY_STATE[State.ACTIVE].horizon(NOW, lease) == NOW - timedelta(minutes=7)
    assert BY_STATE[State.WAITING].horizon(NOW, lease) == NOW - timedelta(minutes=15)
