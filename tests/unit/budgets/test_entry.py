"""What one transaction does, and what it leaves out."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backstay.budgets.budget import Budget, Limit, Posting
from backstay.budgets.entry import Ask, Entry, first_part, sift
from backstay.budgets.lease import Holding, Settlement
from backstay.budgets.periods import Window, periods_at

PERIODS = periods_at(datetime(2026, 11, 25, tzinfo=UTC))
TENANTS = [f"tenant:t{number}" for number in range(4)]

usd = st.integers(0, 50).map(Decimal)
scopes = st.sampled_from(TENANTS).map(lambda tenant: ("total", tenant))
asks = st.lists(st.builds(Ask, usd, scopes, lasts_s=st.just(1.0)), max_size=12)
settlements = st.lists(
    st.builds(
        lambda held, scopes, part: Settlement(Holding(1, held, scopes), held * part / 10),
        usd,
        scopes,
        st.integers(0, 10),
    ),
    max_size=6,
)


def budgets(total: int, each: int) -> dict[str, Budget]:
    limits = {"total": total, **dict.fromkeys(TENANTS, each)}
    return {scope: Budget.new(scope, {Window.DAILY: Limit(Decimal(limit))}, PERIODS) for scope, limit in limits.items()}


@given(asks, settlements, st.integers(0, 200), st.integers(0, 80))
def test_what_is_left_in_passes_no_limit_and_who_is_refused_would_have(some, ended, total, each):
    entry, known = Entry(some, ended), budgets(total, each)
    sifted = sift(entry, known)
    after = {scope: known[scope].after(posting) for scope, posting in sifted.entry.postings.items()}
    for scope in sifted.entry.needed:
        assert after[scope].accounts[Window.DAILY].left >= 0
    for place in sifted.refused:
        ask = some[place]
        assert any(after.get(scope, known[scope]).accounts[Window.DAILY].left < ask.usd for scope in ask.scopes), (
            "refused although there was money for it"
        )
    assert sifted.entry.settlements == entry.settlements


def test_one_that_is_refused_does_not_stand_in_the_way_of_a_smaller_one():
    entry = Entry([Ask(Decimal(9), ("total",), 1), Ask(Decimal(11), ("total",), 1), Ask(Decimal(1), ("total",), 1)])
    sifted = sift(entry, budgets(10, 10))
    assert list(sifted.refused) == [1]
    assert [ask.usd for ask in sifted.entry.asks] == [9, 1]


@given(asks, settlements, st.integers(2, 5))
def test_an_entry_too_large_for_a_transaction_goes_in_parts_and_nothing_is_lost(some, ended, most):
    rest, postings = Entry(some, ended), []
    while rest.scopes:
        part = first_part(rest, most)
        assert 0 < len(part.scopes) <= most
        assert not part.asks or len(part.settlements) == len(rest.settlements), "settlements go first"
        postings.append(part.postings)
        rest = Entry(rest.asks[len(part.asks) :], rest.settlements[len(part.settlements) :])
    for scope, posting in Entry(some, ended).postings.items():
        assert sum((part[scope] for part in postings if scope in part), Posting()) == posting


def test_what_a_call_did_not_need_serves_one_that_waits():
    ended = Settlement(Holding(1, Decimal(10), ("total",)), Decimal(4))
    known = {"total": budgets(10, 10)["total"].after(Posting(reserved=Decimal(10)))}
    entry = Entry([Ask(Decimal(6), ("total",), 1), Ask(Decimal(1), ("total",), 1)], [ended])
    assert list(sift(entry, known).refused) == [1]
    assert sift(entry, known).entry.needed == {"total": 0}
