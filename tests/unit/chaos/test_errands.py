"""How the ledger and the bill are held against one another."""

from decimal import Decimal

import pytest

from tests.chaos.errands import Found


@pytest.mark.parametrize(
    ("spent", "billed", "uncertain", "untold", "unfounded"),
    [(10, 10, 0, 0, 0), (10, 8, 2, 0, 0), (10, 10, 2, 0, 0), (10, 11, 2, 1, 0), (10, 7, 2, 0, 1)],
    ids=["equal", "nobody billed the uncertain", "the uncertain were billed", "too little", "too much"],
)
def test_the_ledger_is_never_below_the_bill_and_above_it_by_no_more_than_is_uncertain(
    spent: int, billed: int, uncertain: int, untold: int, unfounded: int
) -> None:
    found = Found(spent=Decimal(spent), billed=Decimal(billed), uncertain=Decimal(uncertain))
    assert (found.untold, found.unfounded) == (untold, unfounded)
