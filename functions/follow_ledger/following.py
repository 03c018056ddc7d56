"""What follows from changes of budgets: people are told at thresholds, and jobs go on where there is money again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backstay.alerts.occurrence import Kind, Occurrence
from backstay.budgets.budget import Budget
from backstay.budgets.changes import Change, changes_of
from backstay.budgets.gauges import emit_gauges, gauged_scopes
from backstay.budgets.periods import Window
from backstay.budgets.scope import kind_of
from backstay.budgets.thresholds import Crossing, crossings, source_of
from backstay.catalog import Catalog
from backstay.clock import Clock, utc_now
from backstay.config import Config
from backstay.jobs.keys import SYSTEM_TENANT
from backstay.jobs.parked import WAKE_TASK, ParkedJobs
from backstay.jobs.submit import Submission, Submitter
from backstay.settings import Environment


class LedgerFollower:
    """Follows the stream, batch by batch. A batch that comes again does nothing twice.

    Args:
        env: what the stack tells.
        settings: backstay.toml.
        catalog: the tasks.
        tell: takes what people should know; the same again must do nothing.
        clock: UTC.
    """

    def __init__(
        self,
        env: Environment,
        settings: Config,
        catalog: Catalog,
        tell: Callable[[Occurrence], object],
        clock: Clock = utc_now,
    ) -> None:
        self._settings, self._tell, self._clock = settings, tell, clock
        self._parked, self._submitter = ParkedJobs(env, catalog, clock), Submitter(env, catalog, clock)
        self._gauged = frozenset(gauged_scopes(settings))

    def follow(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Do what follows from a batch. What fails raises, and the batch comes again."""
        latest: dict[str, Budget] = {}
        for change in changes_of(records):
            for crossing in crossings(change.before, change.after, self._settings):
                self._tell(occurrence_of(crossing, change.id, self._clock))
            for window in change.raised:
                self._wake(change, window)
            latest[change.after.scope] = change.after
        emit_gauges(budget for scope, budget in latest.items() if scope in self._gauged)

    def _wake(self, change: Change, window: Window) -> None:
        scope = change.after.scope
        if not self._parked.are_there(f"{scope} {window}"):
            return
        self._submitter.submit(
            Submission(
                task=WAKE_TASK,
                input={"scope": scope, "window": window.value},
                tenant=SYSTEM_TENANT,
                idempotency_key=f"{change.id} {window}",
            )
        )


def occurrence_of(crossing: Crossing, an_id: str, clock: Clock) -> Occurrence:
    """A crossing as people are told of it: once in each window's period."""
    scope, account = crossing.scope, crossing.account
    return Occurrence(
        rule=crossing.rule,
        source=source_of(scope, crossing.window),
        kind=Kind.HAPPENED,
        at=clock(),
        text=crossing.text,
        details={
            "scope": scope,
            "window": crossing.window.value,
            "period": account.period,
            "spent": str(account.spent.normalize()),
            "limit": str(account.limit_usd.normalize()),
        },
        tenant=scope.partition(":")[2] if kind_of(scope) == "tenant" else None,
        id=an_id,
        once_in=account.period,
    )
