"""Why a call was not made for money's sake: by which scope, for how long, and what can be done."""

import random
from datetime import datetime

from backstay.budgets.amounts import text_of
from backstay.budgets.budget import Shortage
from backstay.errors import ErrorClass, WorkError

_HELD_S = 15.0
"""Most calls end within this time, and give back what they did not need."""
_UNREADABLE_S = 5.0


class BudgetExceeded(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call was not made: a hard limit would be passed. Says which, and until when."""

    def __init__(self, shortage: Shortage, wait_s: float) -> None:
        spent, limit, _, asked = _texts(shortage)
        message = (
            f"budget {shortage.budget} is used up: {spent} of {limit} are spent in {shortage.account.period}, and the "
            f"call may cost {asked}; raise the limit or wait"
        )
        super().__init__(ErrorClass.BUDGET_EXCEEDED, message, retry_after_s=wait_s, budget=shortage.budget)
        self.scope, self.window = shortage.scope, shortage.window


class BudgetHeld(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call was not made: calls under way hold what is left. Some of it is back when they have ended."""

    def __init__(self, shortage: Shortage) -> None:
        spent, limit, reserved, asked = _texts(shortage)
        message = (
            f"budget {shortage.budget} is held by calls under way: of {limit}, {spent} are spent and {reserved} "
            f"reserved, and the call may cost {asked}"
        )
        super().__init__(ErrorClass.BUDGET_HELD, message, retry_after_s=_spread(_HELD_S), budget=shortage.budget)
        self.scope, self.window = shortage.scope, shortage.window


def refusal(shortage: Shortage, now: datetime) -> BudgetExceeded | BudgetHeld:
    """What to raise where a budget has too little left."""
    if shortage.passes:
        return BudgetHeld(shortage)
    turns_in_s = (shortage.window.turns_after(now) - now).total_seconds()
    return BudgetExceeded(shortage, turns_in_s + _spread(_UNREADABLE_S))


def unreadable(why: str) -> WorkError:
    """What to raise where the ledger can't be read or written: money fails closed."""
    message = f"budgets can't be read or written ({why}), and no call is made without"
    return WorkError(ErrorClass.UNREACHABLE, message, retry_after_s=_spread(_UNREADABLE_S))


def _texts(shortage: Shortage) -> tuple[str, str, str, str]:
    """What is spent, the limit, what is reserved, and what the call may cost."""
    account, scope = shortage.account, shortage.scope
    return (
        text_of(scope, account.spent),
        text_of(scope, account.limit_usd),
        text_of(scope, shortage.reserved),
        text_of(scope, shortage.asked),
    )


def _spread(seconds: float) -> float:
    """Jobs that were refused together come back apart."""
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
