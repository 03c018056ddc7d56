"""What the stream changes in the counters."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backstay.dynamodb import encode_item
from backstay.jobs.counters import Minute, Streak, Times, deltas
from backstay.jobs.record import MOVES, State

AT = int(datetime(2026, 11, 25, 3, 28, 59, tzinfo=UTC).timestamp() * 1000)


def image(state: State, *, task: str = "obey", tenant: str = "acme", part: str = "state") -> dict[str, Any]:
    item = {"id": f"{tenant}.{'a' * 24}", "part": part, "task": task, "state": str(state), "changed_at": AT}
    return dict(encode_item(item))


def change(old: State | None, new: State | None, **more: str) -> dict[str, Any]:
    images = {}
    if old:
        images["OldImage"] = image(old, **more)
    if new:
        images["NewImage"] = image(new, **more)
    return {"eventID": "e", "dynamodb": images}


def test_a_new_job_is_one_more_that_waits():
    assert deltas([change(None, State.WAITING)]).tasks == {"obey": {State.WAITING: 1}}


def test_a_claim_moves_one_from_waiting_to_active():
    found = deltas([change(State.WAITING, State.ACTIVE)])
    assert found.tasks == {"obey": {State.WAITING: -1, State.ACTIVE: 1}}
    assert found.tenants == {"acme": {("obey", State.WAITING): -1, ("obey", State.ACTIVE): 1}}


def test_progress_changes_nothing():
    assert deltas([change(State.ACTIVE, State.ACTIVE)]) == deltas([])


def test_inputs_results_and_counters_change_nothing():
    assert deltas([change(None, State.WAITING, part="input")]) == deltas([])


def test_a_completed_job_that_expires_stays_counted():
    assert deltas([change(State.COMPLETED, None)]) == deltas([])


def test_a_waiting_job_that_is_deleted_waits_no_more():
    assert deltas([change(State.WAITING, None)]).tasks == {"obey": {State.WAITING: -1}}


def test_a_redriven_job_is_no_longer_counted_as_failed():
    assert deltas([change(State.FAILED, State.WAITING)]).tasks == {"obey": {State.FAILED: -1, State.WAITING: 1}}


def test_a_job_that_runs_through_in_one_batch_leaves_no_trace_but_its_end():
    life = [
        change(None, State.WAITING),
        change(State.WAITING, State.ACTIVE),
        change(State.ACTIVE, State.COMPLETED),
    ]
    found = deltas(life)
    assert found.tasks == {"obey": {State.COMPLETED: 1}}
    assert found.minutes == {Minute("obey", "2026-11-25T03:28"): {State.COMPLETED: 1}}
    assert found.arrivals == {"obey": {State.WAITING: 1, State.ACTIVE: 1, State.COMPLETED: 1}}


def test_moves_that_cancel_out_for_a_task_still_count_for_its_tenants():
    found = deltas(
        [change(State.WAITING, State.ACTIVE, tenant="acme"), change(State.ACTIVE, State.WAITING, tenant="umbrella")]
    )
    assert found.tasks == {}
    assert set(found.tenants) == {"acme", "umbrella"}


@given(st.lists(st.tuples(st.sampled_from(["acme", "umbrella"]), st.lists(st.integers(0, 5), max_size=8)), max_size=8))
def test_the_counters_always_say_how_many_jobs_stand_in_each_state(lives):
    records, stand = [], []
    for tenant, choices in lives:
        state: State | None = State.WAITING
        records.append(change(None, state, tenant=tenant))
        for choice in choices:
            after = sorted(MOVES[state])
            if not after:
                break
            records.append(change(state, after[choice % len(after)], tenant=tenant))
            state = after[choice % len(after)]
        stand.append((tenant, state))
    found = deltas(records)
    for state in State:
        assert found.tasks.get("obey", {}).get(state, 0) == sum(s is state for _, s in stand)
        for tenant in ("acme", "umbrella"):
            counted = found.tenants.get(tenant, {}).get(("obey", state), 0)
            assert counted == sum((t, s) == (tenant, state) for t, s in stand)


def test_failures_in_a_row_are_counted_from_the_last_completion():
    ended = [State.FAILED, State.COMPLETED, State.FAILED, State.CANCELLED, State.FAILED]
    found = deltas([change(State.ACTIVE, state) for state in ended])
    assert found.streaks == {"obey": Streak(is_broken=True, failures=2)}


def test_jobs_that_come_and_go_on_change_no_streak():
    assert deltas([change(None, State.WAITING), change(State.WAITING, State.ACTIVE)]).streaks == {}


@given(st.lists(st.lists(st.sampled_from([State.COMPLETED, State.FAILED, State.CANCELLED]), min_size=1), max_size=6))
def test_a_row_counts_the_same_however_the_stream_is_cut_into_batches(batches):
    count = 0
    for batch in batches:
        streak = deltas([change(State.ACTIVE, state) for state in batch]).streaks.get("obey", Streak())
        count = streak.failures + (0 if streak.is_broken else count)
    ended = [state for batch in batches for state in batch if state is not State.CANCELLED]
    in_a_row = next((n for n, state in enumerate(reversed(ended)) if state is State.COMPLETED), len(ended))
    assert count == in_a_row


def test_times_are_what_lies_between_two_changes_of_state():
    claimed, ended = change(State.WAITING, State.ACTIVE), change(State.ACTIVE, State.COMPLETED)
    claimed["dynamodb"]["NewImage"]["changed_at"]["N"] = str(AT + 400)
    ended["dynamodb"]["OldImage"]["changed_at"]["N"] = str(AT - 2_000)
    ended["dynamodb"]["NewImage"]["attempts"] = {"N": "2"}
    found = deltas([claimed, ended])
    assert found.times == {"obey": Times(runs=1, run_ms=2_000, claims=1, wait_ms=400, ended=1, attempts=2)}
    assert found.minute_times == {Minute("obey", "2026-11-25T03:28"): Times(runs=1, run_ms=2_000, ended=1, attempts=2)}


def test_a_run_that_goes_back_to_its_queue_has_taken_its_time_and_ends_no_job():
    again = change(State.ACTIVE, State.WAITING)
    again["dynamodb"]["OldImage"]["changed_at"]["N"] = str(AT - 30)
    found = deltas([again])
    assert found.times == {"obey": Times(runs=1, run_ms=30)}
    assert found.minutes == found.minute_times == {}


def test_clocks_that_disagree_make_no_time_negative():
    back = change(State.ACTIVE, State.FAILED)
    back["dynamodb"]["OldImage"]["changed_at"]["N"] = str(AT + 5)
    assert deltas([back]).times == {"obey": Times(runs=1, ended=1)}
