"""Leases as items."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backstay.budgets.lease import Holding, Lease, from_item, to_item
from bench.capacity import WRITE_UNIT_BYTES, item_bytes

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SCOPES = ("total", "provider:anthropic", "tenant:acme", "task:enhance-story", "key:k-0123456789abcdef")
amounts = st.decimals("0", "1000", places=12)
holdings = st.builds(
    Holding,
    number=st.integers(1, 10**6),
    usd=amounts,
    scopes=st.lists(st.sampled_from(SCOPES), unique=True).map(tuple),
    lease=st.just("a"),
    job_id=st.none() | st.text(max_size=30),
    counts=st.lists(st.tuples(st.sampled_from(["quota:x:requests", "quota:x:tokens"]), amounts), max_size=2).map(tuple),
)


@given(st.lists(holdings, max_size=12, unique_by=lambda one: one.number))
def test_a_lease_s_item_says_all_of_it(held):
    lease = Lease("a", NOW, 3, "writer", {one.number: one for one in held})
    assert from_item(to_item(lease)) == lease


def test_the_lease_of_a_full_batch_is_written_for_the_price_of_one_unit():
    held = {n: Holding(n, Decimal("0.012345678"), SCOPES, "0" * 12, f"acme.{n:024}") for n in range(1000, 1010)}
    assert item_bytes(to_item(Lease("0" * 12, NOW, 1000, "f" * 32, held))) <= WRITE_UNIT_BYTES
