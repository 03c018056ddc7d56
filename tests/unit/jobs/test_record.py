"""The state machine of a job, as a property over any sequence of moves."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.dynamodb import decode_item, encode_item
from backstay.errors import ErrorClass, Failure
from backstay.jobs.items import from_item, to_item
from backstay.jobs.record import MOVES, FailedAttempt, IllegalMoveError, JobRecord, Payload, State
from backstay.jobs.step import Direction, Step
from backstay.llm.replay import Kept
from backstay.receipt import Call, FailedRoute, Receipt

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEEP = timedelta(days=7)
FAILURE = Failure(ErrorClass.TASK_ERROR, "no")

MOVERS = {
    "complete": lambda job: job.completed(NOW, Payload(inline="{}", size=2), Receipt(), KEEP),
    "fail": lambda job: job.failed(NOW, FAILURE, None, KEEP),
    "cancel": lambda job: job.cancelled(NOW, KEEP),
    "retry": lambda job: job.to_retry(NOW, NOW, FAILURE, Receipt()),
    "park": lambda job: job.parked(NOW, NOW, FAILURE, Receipt()),
    "revive": lambda job: job.revived(NOW),
}


def a_job(state: State = State.WAITING, **more) -> JobRecord:
    return JobRecord("acme." + "a" * 24, "obey", state, "k", "digest", NOW, NOW, **more)


@given(st.sampled_from(State), st.lists(st.sampled_from(sorted(MOVERS)), max_size=12))
def test_a_job_only_ever_moves_where_its_state_leads(state, moves):
    job = a_job(state)
    for name in moves:
        try:
            moved = MOVERS[name](job)
        except IllegalMoveError:
            continue
        assert moved.state in MOVES[job.state]
        assert moved.state.is_terminal == (moved.finished_at is not None and moved.expires_at is not None)
        job = moved


@pytest.mark.parametrize("state", [State.COMPLETED, State.CANCELLED])
@pytest.mark.parametrize("move", sorted(MOVERS))
def test_completed_and_cancelled_jobs_go_nowhere(state, move):
    with pytest.raises(IllegalMoveError, match="can't become"):
        MOVERS[move](a_job(state))


def test_parking_gives_the_attempt_back_and_retrying_does_not():
    active = a_job(State.ACTIVE, attempts=2, fence=5)
    assert MOVERS["park"](active).attempts == 1
    assert MOVERS["park"](active).fence == 5
    assert MOVERS["retry"](active).attempts == 2


def test_a_revived_job_starts_anew_with_its_history():
    failed = MOVERS["fail"](a_job(State.ACTIVE, attempts=3, excused=1, fence=7, started_at=NOW))
    revived = MOVERS["revive"](failed)
    assert (revived.attempts, revived.excused, revived.waits, revived.fence, revived.generation) == (0, 0, 0, 7, 1)
    assert revived.started_at is None
    assert revived.failures == failed.failures
    assert revived.expires_at is None


@pytest.mark.parametrize("state", State)
def test_only_what_failed_or_was_cancelled_is_repeated_for_a_run(state):
    job = a_job(state, cancel_requested=True)
    if state in (State.FAILED, State.CANCELLED):
        assert job.repeated(NOW).state is State.WAITING
        assert not job.repeated(NOW).cancel_requested
    else:
        with pytest.raises(IllegalMoveError):
            job.repeated(NOW)


@pytest.mark.parametrize("error_class", ErrorClass)
def test_doubt_about_an_effect_stays_whatever_follows(error_class):
    failure = Failure(error_class, "no")
    waiting = a_job(State.ACTIVE).to_retry(NOW, NOW, failure, Receipt())
    assert waiting.uncertain == error_class.leaves_doubt
    assert waiting.cancelled(NOW, KEEP).uncertain == error_class.leaves_doubt
    assert a_job(State.ACTIVE).parked(NOW, NOW, failure, Receipt()).uncertain == error_class.leaves_doubt
    assert a_job(State.ACTIVE).failed(NOW, failure, None, KEEP).uncertain == error_class.leaves_doubt
    assert MOVERS["fail"](a_job(State.ACTIVE, uncertain=True)).uncertain


def test_what_is_cancelled_half_way_leaves_doubt_and_what_never_ran_does_not():
    assert a_job(State.ACTIVE).cancelled(NOW, KEEP).uncertain
    assert not a_job(State.WAITING).cancelled(NOW, KEEP).uncertain


def test_only_the_last_failures_are_kept():
    job = a_job(State.ACTIVE)
    for _ in range(30):
        job = MOVERS["retry"](job)
        job = a_job(State.ACTIVE, failures=job.failures)
    assert len(job.failures) == 10


moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - the zone is set here
    lambda moment: moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
counts = st.integers(0, 10**6)
costs = st.none() | st.decimals(0, 1000, places=8)
failed_routes = st.lists(st.builds(FailedRoute, texts, texts), max_size=2).map(tuple)
calls = st.builds(
    Call,
    *[texts, texts, counts, counts, counts, costs, counts, texts, st.booleans(), st.booleans(), texts, failed_routes],
    operation=texts,
    quantity=costs,
    cache_write_tokens=counts,
    cache_write_1h_tokens=counts,
    reasoning_tokens=counts,
    service=st.sampled_from(["", "batch"]),
    saved_usd=st.decimals(0, 1000, places=8),
)
failures = st.builds(FailedAttempt, counts, moments, st.sampled_from(ErrorClass), texts)
records = st.builds(
    JobRecord,
    id=st.just("acme." + "a" * 24),
    task=st.just("obey"),
    state=st.sampled_from(State),
    key=texts,
    input_digest=texts,
    created_at=moments,
    changed_at=moments,
    version=st.integers(1, 9),
    priority=st.sampled_from(["high", "normal", "low"]),
    generation=counts,
    fence=counts,
    attempts=counts,
    excused=counts,
    waits=counts,
    company=st.integers(1, 10),
    due_at=st.none() | moments,
    lease_until=st.none() | moments,
    claimed_at=st.none() | moments,
    started_at=st.none() | moments,
    finished_at=st.none() | moments,
    reason=st.none() | texts,
    failures=st.lists(failures, max_size=3).map(tuple),
    error=st.none() | st.builds(Failure, st.sampled_from(ErrorClass), texts),
    result=st.none() | st.builds(Payload, st.none() | texts, st.none() | texts, counts),
    preview=st.none() | texts,
    receipt=st.none() | st.builds(Receipt, st.lists(calls, min_size=1, max_size=2).map(tuple)),
    progress=st.none() | st.integers(0, 100),
    note=st.none() | texts,
    cancel_requested=st.booleans(),
    tags=st.lists(texts, max_size=3).map(tuple),
    callback_url=st.none() | texts,
    key_id=st.none() | texts,
    uncertain=st.booleans(),
    step=st.none()
    | st.builds(
        Step,
        *[texts] * 3,
        st.sampled_from(Direction),
        counts,
        *[texts] * 2,
        st.lists(texts, max_size=3).map(tuple),
        st.none() | st.integers(1, 900),
        st.none() | st.integers(1, 900),
    ),
    lane=st.none() | texts,
    lane_number=st.none() | counts,
    expires_at=st.none() | moments.map(lambda moment: moment.replace(microsecond=0)),
)


@given(records)
def test_a_record_comes_back_from_its_item_as_it_was(record):
    assert from_item(decode_item(encode_item(to_item(record)))) == record


@given(st.lists(calls, max_size=3).map(tuple))
def test_calls_come_back_from_the_call_log_marked_as_replayed(made):
    kept = Kept.decode(Kept("digest", "text", made).encode())
    assert kept.calls == tuple(replace(call, replayed=True) for call in made)


def test_a_replayed_call_is_paid_for_where_the_run_that_made_it_died_before_it_could_tell():
    first, second = (Call("p", "m", 1, 1, 1, Decimal("0.10"), reservation=name) for name in "ab")
    replays = [replace(call, replayed=True) for call in (first, second)]
    told = Receipt((first,)).followed_by([*replays, *replays])
    assert told.calls == (first, replays[0], second, *replays)
    assert told.cost_usd == Decimal("0.20")


def test_what_a_cancelled_run_cost_stays_in_the_receipt():
    paid = Receipt((Call("p", "m", 1, 1, 1, Decimal("0.10")),))
    active = a_job(State.ACTIVE)
    assert active.cancelled(NOW, KEEP, paid).receipt == paid
    assert replace(active, receipt=paid).cancelled(NOW, KEEP).receipt == paid


def test_a_receipt_adds_up_what_was_paid_once():
    paid = Call("p", "m", 1, 1, 1, Decimal("0.10"))
    replayed = Call("p", "m", 1, 1, 1, Decimal("0.10"), replayed=True)
    unpriced = Call("p", "m", 1, 1, 1, None)
    assert Receipt((paid, replayed, unpriced, paid)).cost_usd == Decimal("0.20")


def test_a_longer_result_is_kept_compressed_and_one_from_before_is_still_read():
    text = json.dumps({"text": "A company has shown a machine that waters plants and asks for praise. " * 20})
    record = a_job(State.COMPLETED, result=Payload(inline=text, size=len(text)))
    item = to_item(record)
    assert len(item["result"]["inline"]) < len(text) / 2
    item["result"]["inline"] = text
    assert from_item(item) == record
