"""How budgets stand, for people: what is spent, what is left, and limits that are changed at run time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backstay.budgets.budget import Budget, Limit
from backstay.budgets.periods import Window, periods_at
from backstay.budgets.scope import kind_of, limits_of, named_scopes
from backstay.budgets.store import LedgerStore
from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError

if TYPE_CHECKING:
    from backstay.budget_settings import BudgetsSettings

_TRIES = 5


class UnknownScopeError(BackstayError):
    """No budget can have this name; the text says why."""


class LimitMovedError(BackstayError):
    """Somebody else keeps changing the limit at the same moment; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some budgets, and behind which scope the next page begins; no such scope, no next page."""

    budgets: tuple[Budget, ...]
    after: str | None


class Standing:
    """Reads budgets and changes their limits. One object a process.

    Args:
        settings: the `[budgets]` of backstay.toml.
        table: the guards table.
        clock: UTC.
    """

    def __init__(self, settings: "BudgetsSettings", table: str, clock: Clock = utc_now) -> None:
        self._settings, self._store, self._clock = settings, LedgerStore(table), clock

    def page(self, kinds: Sequence[str], after: str | None, most: int) -> Page:
        """Budgets of some kinds: those that were ever spent from, and those that backstay.toml names.

        Args:
            kinds: in the order of `KINDS`.
            after: the last scope of the page before.
            most: 1 to 100.

        Raises:
            UnknownScopeError: `after` is none of these kinds' scopes.
        """
        if after is not None and kind_of(after) not in kinds:
            raise UnknownScopeError(f"no page of {', '.join(kinds)} ends with {after[:100]!r}")
        found: list[str] = []
        for kind in kinds[kinds.index(kind_of(after)) if after else 0 :]:
            behind = after if after and kind_of(after) == kind else ""
            found += self._scopes(kind, behind, most + 1 - len(found))
            if len(found) > most:
                return Page(self.read(found[:most]), found[most - 1])
        return Page(self.read(found), None)

    def read(self, scopes: Sequence[str]) -> tuple[Budget, ...]:
        """These budgets as they stand now, also those from which nothing has been taken yet."""
        known = self._store.read(list(scopes))
        return tuple(self._as_of_now(known.get(scope) or self._new(scope)) for scope in scopes)

    def set_limit(self, scope: str, window: Window, limit: Limit | None) -> Budget:
        """Set a limit at run time; answers the budget after it. None: there is none.

        Raises:
            LimitMovedError: somebody else keeps changing it at the same moment.
        """
        return self._change(scope, window, limit, by_hand=True)

    def reset_limit(self, scope: str, window: Window) -> Budget:
        """Give a limit back to backstay.toml; answers the budget after it.

        Raises:
            LimitMovedError: somebody else keeps changing it at the same moment.
        """
        return self._change(scope, window, limits_of(scope, self._settings).get(window), by_hand=False)

    def _change(self, scope: str, window: Window, wanted: Limit | None, *, by_hand: bool) -> Budget:
        for _ in range(_TRIES):
            seen = self._store.read([scope]).get(scope)
            if seen is None:
                self._store.create(self._new(scope))
            elif self._store.set_limit(seen, window, wanted, by_hand=by_hand):
                return self.read([scope])[0]
        raise LimitMovedError(f"the {window} limit of {scope} keeps changing; look at it and try again")

    def _scopes(self, kind: str, behind: str, most: int) -> list[str]:
        named = [scope for scope in named_scopes(kind, self._settings) if scope > behind]
        return sorted({*self._store.scopes(kind, behind, most), *named})[:most]

    def _new(self, scope: str) -> Budget:
        return Budget.new(scope, limits_of(scope, self._settings), periods_at(self._clock()))

    def _as_of_now(self, budget: Budget) -> Budget:
        """With windows turned and limits as backstay.toml has them, which the next call would see to."""
        limits = limits_of(budget.scope, self._settings)
        budget = budget.turned(periods_at(self._clock()))
        for window, account in budget.accounts.items():
            if not account.by_hand and account.limit != limits.get(window):
                budget = budget.with_limit(window, limits.get(window), by_hand=False)
        return budget
