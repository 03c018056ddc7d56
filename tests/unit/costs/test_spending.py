"""What the stream adds to the accounts."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backstay.costs.rows import from_item, month_id, part_of, updates
from backstay.costs.spending import COMPLETION, Cell, Line, Spending, spendings, spendings_of_usage
from backstay.dynamodb import decode_item
from backstay.jobs.record import JobRecord
from backstay.receipt import Call
from tests.unit.costs.streams import NOW, a_call, a_job, claimed, completed, failed, portioned, retried, told

DAY = NOW.date()
CELL = Cell("obey", "openai", COMPLETION, "m")


def everybodys(records: list[dict[str, Any]]) -> Spending:
    lines = spendings(records)
    return sum((s for line, s in lines.items() if line.cell and not line.tenant), Spending())


def test_a_completed_job_s_calls_are_added_to_everybody_s_and_its_tenant_s_line():
    job = a_job()
    lines = spendings(told(None, job, claimed(job), completed(job, a_call(), a_call("0.02"))))
    spent = Spending(
        Decimal("0.03"), calls=2, input_tokens=200, output_tokens=20,
        jobs=1, provider_jobs=1, operation_jobs=1, model_jobs=1,
    )  # fmt: skip
    assert lines == {Line(DAY, CELL): spent, Line(DAY, CELL, "acme"): spent}


def test_each_tag_of_a_job_has_a_line_once():
    job = a_job(tags=["news", "news", "a#b"])
    lines = spendings(told(job, completed(job, a_call())))
    assert {line.tag: s.cost_usd for line, s in lines.items() if line.tag} == {
        "news": Decimal("0.01"),
        "a#b": Decimal("0.01"),
    }


def test_what_an_earlier_run_paid_is_not_paid_again_when_it_is_replayed():
    job = a_job()
    first = retried(job, a_call("0.05"))
    second = completed(first, a_call("0.05", replayed=True), a_call("0.01"))
    spent = everybodys(told(None, job, claimed(job), first, claimed(first), second))
    assert (spent.cost_usd, spent.calls, spent.jobs) == (Decimal("0.06"), 2, 1)
    assert spent.lost_usd == 0


def test_what_runs_that_failed_paid_is_lost_unless_a_later_run_makes_use_of_it():
    job = a_job()
    first = retried(job, a_call("0.05"), a_call("0.01"))
    gave_up = failed(first, a_call("0.05", replayed=True))
    assert everybodys(told(job, first, gave_up)).lost_usd == Decimal("0.06")
    done = completed(first, a_call("0.05", replayed=True))
    assert everybodys(told(job, first, done)).lost_usd == Decimal("0.01")


def test_a_portion_of_long_work_is_not_lost():
    job = a_job()
    assert everybodys(told(job, portioned(job, a_call()))).lost_usd == 0


def test_a_job_is_counted_once_for_each_provider_model_and_operation_whatever_it_called_before():
    job = a_job()
    first = retried(job, a_call(model="a"), a_call(model="b"), a_call(provider="twilio", model="", operation="sms"))
    done = completed(first, a_call(model="b"), a_call(provider="anthropic"))
    spent = everybodys(told(job, first, done))
    assert (spent.jobs, spent.provider_jobs, spent.model_jobs, spent.operation_jobs) == (1, 3, 4, 2)


def test_a_cached_answer_costs_nothing_and_tells_what_it_saved():
    job = a_job()
    spent = everybodys(told(job, completed(job, a_call("0", cached=True, saved_usd=Decimal("0.4")))))
    assert (spent.cost_usd, spent.calls, spent.hits, spent.saved_usd) == (0, 0, 1, Decimal("0.4"))


def test_a_call_that_nobody_has_priced_is_counted_as_such():
    job = a_job()
    assert everybodys(told(job, completed(job, a_call(None)))).unpriced == 1


def test_a_record_that_expires_or_changes_otherwise_adds_nothing():
    job = completed(a_job(), a_call())
    assert spendings(told(job, None)) == {}
    assert spendings(told(job, job)) == {}
    assert spendings([{"eventID": "e", "dynamodb": {"Keys": {}}}]) == {}


def test_a_run_s_calls_are_of_the_day_on_which_it_ended():
    job = a_job()
    first = retried(job, a_call(), at=NOW)
    done = completed(first, a_call(), at=NOW + timedelta(days=1))
    assert {line.day for line in spendings(told(job, first, done))} == {DAY, DAY + timedelta(days=1)}


def test_usage_from_elsewhere_has_the_same_lines_and_no_job():
    lines = spendings_of_usage(a_call(provider="slack", model="", operation="message"), "acme", "other", ["x"], NOW)
    cell = Cell("other", "slack", "message", "")
    assert set(lines) == {Line(DAY, cell), Line(DAY, cell, "acme"), Line(DAY, None, "acme", "x")}
    assert {spent.jobs for spent in lines.values()} == {0}


calls = st.builds(
    a_call,
    st.none() | st.decimals(0, 5, places=8).map(str),
    st.sampled_from(["openai", "anthropic"]),
    st.sampled_from(["a", "b"]),
    replayed=st.booleans(),
    cached=st.booleans(),
)
moves = st.sampled_from([retried, failed, portioned])


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Several jobs' records, in any order between jobs."""
    records: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 3))):
        job = a_job(number, draw(st.sampled_from(["acme", "umbrella"])), tags=draw(st.sets(st.sampled_from("xy"))))
        states: list[JobRecord] = [job]
        for runs in draw(st.lists(st.lists(calls, max_size=3), max_size=3)):
            before = states[-1]
            if before.state.is_terminal:
                break
            states.append(draw(moves)(before, *runs))
        records += told(*states)
    return records


@given(lives(), st.data())
def test_however_the_stream_is_cut_into_batches_the_accounts_are_the_receipts_sum(records, data):
    cut = data.draw(st.integers(0, len(records)))
    together: dict[Line, Spending] = defaultdict(Spending)
    for batch in (records[:cut], records[cut:]):
        for line, spent in spendings(batch).items():
            together[line] += spent
    whole = spendings(records)
    assert {line: spent for line, spent in together.items() if spent != Spending()} == whole
    assert everybodys(records).cost_usd == sum(_paid_in(records), Decimal(0))


def _paid_in(records: list[dict[str, Any]]) -> list[Decimal]:
    """What the last receipt of every job says was paid."""
    from backstay.jobs.items import from_item as record_of

    last = {}
    for record in records:
        job = record_of(decode_item(record["dynamodb"]["NewImage"]))
        last[job.id] = job
    paid = [call for job in last.values() if job.receipt for call in job.receipt.calls if _is_paid(call)]
    return [call.cost_usd or Decimal(0) for call in paid]


def _is_paid(call: Call) -> bool:
    return not call.replayed and not call.cached


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
simple = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)
cells = st.builds(Cell, simple, simple, simple, st.just("") | names)
days = st.dates(date(2024, 1, 1), date(2030, 12, 31))
lines = st.one_of(
    st.builds(Line, days, cells),
    st.builds(Line, days, cells, simple),
    st.builds(Line, days, st.none(), simple, names),
)
amounts = st.decimals(-100, 100, places=12)


@given(lines, st.builds(Spending, amounts, st.integers(1, 9), lost_usd=amounts, input_tokens=st.integers(0, 10**9)))
def test_a_line_comes_back_from_its_item_as_it_was(line, spent):
    (item,) = updates("jobs", {line: spent})
    update = item["Update"]
    values = decode_item(update["ExpressionAttributeValues"])
    stored = {name.removeprefix(":"): value for name, value in values.items()}
    assert from_item({"id": month_id(line.day), "part": part_of(line), **stored}) == (line, spent)
