"""One scope's budget and its moves, pure. In every window, at all times: spent + reserved + left = limit.

What is reserved belongs to no window: a call that is under way when a window turns is held against the new one as well,
and its price is spent in the window in which it is settled. So no window is ever passed, and none needs a job to turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from backstay.budgets.periods import Periods, Window

NOTHING = Decimal(0)
UNIT = Decimal("1e-12")
"""The smallest amount, in US dollars: a token's price to the sixth decimal of dollars per million is whole."""


def exact(usd: Decimal) -> Decimal:
    """The amount in whole units; what is less than one counts as one."""
    return usd.quantize(UNIT, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class Limit:
    """US dollars that may be spent in a window."""

    usd: Decimal
    hard: bool = True
    """Past it calls are refused; past a soft one they are told of."""


@dataclass(frozen=True, slots=True)
class Account:
    """One window of a scope. US dollars."""

    period: str
    """Which day, month or year it is."""
    spent: Decimal
    left: Decimal
    """Below 0 where there is no limit, a soft one was passed, or one was lowered below what had been taken."""
    limit: Limit | None = None
    by_hand: bool = False
    """The limit was set at run time: what backstay.toml says of it has no effect."""

    @property
    def limit_usd(self) -> Decimal:
        """0 where there is no limit."""
        return self.limit.usd if self.limit else NOTHING

    @property
    def is_hard(self) -> bool:
        """Whether calls may be refused."""
        return self.limit is not None and self.limit.hard

    @property
    def used_percent(self) -> Decimal | None:
        """What is spent of the limit; None without one."""
        if self.limit is None:
            return None
        return 100 * self.spent / self.limit.usd if self.limit.usd else Decimal(100)

    def with_limit(self, limit: Limit | None, *, by_hand: bool) -> "Account":
        """The window after its limit has changed; what was taken stays taken."""
        changed = replace(self, limit=limit, by_hand=by_hand)
        return replace(changed, left=self.left + changed.limit_usd - self.limit_usd)


@dataclass(frozen=True, slots=True)
class Posting:
    """What changes in a scope, in all of its windows. US dollars; postings add up."""

    spent: Decimal = NOTHING
    reserved: Decimal = NOTHING

    @property
    def taken(self) -> Decimal:
        """What is left less after it; below 0 where more is given back than taken."""
        return self.spent + self.reserved

    def __add__(self, other: "Posting") -> "Posting":
        return Posting(self.spent + other.spent, self.reserved + other.reserved)


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why a call is refused."""

    scope: str
    window: Window
    account: Account
    reserved: Decimal
    asked: Decimal

    @property
    def budget(self) -> str:
        """The scope and the window, such as `tenant:acme daily`."""
        return f"{self.scope} {self.window}"

    @property
    def passes(self) -> bool:
        """Whether it is only what calls under way hold that is in the way; most of it comes back within seconds."""
        return self.account.spent + self.asked <= self.account.limit_usd


@dataclass(frozen=True, slots=True)
class Budget:
    """A scope with all of its windows."""

    scope: str
    accounts: Mapping[Window, Account]
    reserved: Decimal = NOTHING
    spent_ever: Decimal = NOTHING
    """Since there is this budget, over all windows."""

    @classmethod
    def new(cls, scope: str, limits: Mapping[Window, Limit], periods: Periods) -> "Budget":
        """One from which nothing has been taken."""
        empty = {window: Account(periods[window], NOTHING, NOTHING) for window in Window}
        accounts = {window: empty[window].with_limit(limits.get(window), by_hand=False) for window in Window}
        return cls(scope, accounts)

    def is_stale(self, periods: Periods) -> bool:
        """Whether a window has turned since it was written. One of a clock that is ahead is not."""
        return any(account.period < periods[window] for window, account in self.accounts.items())

    def turned(self, periods: Periods) -> "Budget":
        """The budget with those windows new that have turned; what is reserved is held against them too."""
        accounts = {
            window: replace(account, period=periods[window], spent=NOTHING, left=account.limit_usd - self.reserved)
            if account.period < periods[window]
            else account
            for window, account in self.accounts.items()
        }
        return replace(self, accounts=accounts)

    def with_limit(self, window: Window, limit: Limit | None, *, by_hand: bool) -> "Budget":
        """The budget after a limit has changed."""
        changed = self.accounts[window].with_limit(limit, by_hand=by_hand)
        return replace(self, accounts={**self.accounts, window: changed})

    def after(self, posting: Posting) -> "Budget":
        """The budget after a posting."""
        accounts = {
            window: replace(account, spent=account.spent + posting.spent, left=account.left - posting.taken)
            for window, account in self.accounts.items()
        }
        return replace(
            self,
            accounts=accounts,
            reserved=self.reserved + posting.reserved,
            spent_ever=self.spent_ever + posting.spent,
        )

    def shortage(self, asked: Decimal, taken: Decimal = NOTHING) -> Shortage | None:
        """The window that has too little left for a call; of several, the one that keeps it waiting longest.

        Args:
            asked: the most that the call can cost.
            taken: by what is posted together with it.
        """
        short = [
            Shortage(self.scope, window, account, self.reserved, asked)
            for window, account in self.accounts.items()
            if account.is_hard and account.left - taken < asked
        ]
        return max(short, key=lambda one: (not one.passes, _LENGTHS[one.window]), default=None)


_LENGTHS = {Window.DAILY: 1, Window.MONTHLY: 2, Window.YEARLY: 3}
