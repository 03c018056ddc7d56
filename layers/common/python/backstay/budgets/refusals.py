"""Why a call was not made for money's sake: by which scope, for how long, and what can be done."""

import random
from datetime import datetime
from decimal import Decimal

from backstay.budgets.budget import Shortage
from backstay.errors import ErrorClass, WorkError

_HELD_S = 15.0
"""Most calls end within this time, and give back what they did not need."""
_UNREADABLE_S = 5.0


class BudgetExceeded(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call was not made: a hard limit would be passed. Says which, and until when."""

    def __init__(self, shortage: Shortage, wait_s: float) -> None:
        account, scope = shortage.account, f"{shortage.scope} {shortage.window}"
        message = (
            f"budget {scope} is used up: {_usd(account.spent)} of {_usd(account.limit_usd)} are spent in "
            f"{account.period}, and the call may cost {_usd(shortage.asked)}; raise the limit or wait"
        )
        super().__init__(ErrorClass.BUDGET_EXCEEDED, message, retry_after_s=wait_s)
        self.scope, self.window = shortage.scope, shortage.window


class BudgetHeld(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call was not made: calls under way hold what is left. Some of it is back when they have ended."""

    def __init__(self, shortage: Shortage) -> None:
        account, scope = shortage.account, f"{shortage.scope} {shortage.window}"
        message = (
            f"budget {scope} is held by calls under way: of {_usd(account.limit_usd)}, {_usd(account.spent)} are "
            f"spent and {_usd(shortage.reserved)} reserved, and the call may cost {_usd(shortage.asked)}"
        )
        super().__init__(ErrorClass.BUDGET_HELD, message, retry_after_s=_spread(_HELD_S))
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


def _usd(amount: Decimal) -> str:
    """At least to the cent, and further only where there is more to say."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents if cents == amount else amount.normalize():f}"


def _spread(seconds: float) -> float:
    """Jobs that were refused together come back apart."""
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
