"""Numbers from counters."""

from datetime import UTC, datetime

from backstay.jobs.counter_store import TaskCounters
from backstay.jobs.record import State
from backstay.jobs.stats import Reading, counts_of

NOW = datetime(2026, 11, 25, 3, 30, 20, tzinfo=UTC)


def reading(minutes: dict[str, dict[State, int]], *, dead: int = 0, oldest: float | None = None) -> Reading:
    return Reading(TaskCounters({State.WAITING: 3, State.FAILED: 1}, minutes), dead, oldest)


def test_throughput_is_taken_over_the_last_five_whole_minutes():
    minutes = {
        "2026-11-25T03:24": {State.COMPLETED: 100},
        "2026-11-25T03:25": {State.COMPLETED: 5},
        "2026-11-25T03:29": {State.COMPLETED: 10, State.FAILED: 4},
        "2026-11-25T03:30": {State.COMPLETED: 1000},
    }
    assert counts_of([reading(minutes)], NOW).throughput_per_minute == 3.0


def test_the_success_rate_leaves_out_what_was_cancelled():
    minutes = {"2026-11-25T03:00": {State.COMPLETED: 3, State.FAILED: 1, State.CANCELLED: 90}}
    assert counts_of([reading(minutes)], NOW).success_rate == 0.75


def test_with_nothing_ended_there_is_no_success_rate():
    assert counts_of([reading({})], NOW).success_rate is None


def test_the_total_adds_up_counts_and_takes_the_longest_wait():
    total = counts_of([reading({}, dead=2, oldest=4.0), reading({}, dead=1, oldest=60.0), reading({})], NOW)
    assert (total.waiting, total.failed, total.dead_letters, total.oldest_waiting_s) == (9, 3, 3, 60.0)
