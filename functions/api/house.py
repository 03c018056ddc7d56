"""How the whole house stands: its parts read side by side, each at the same cost however much there is to count."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from backstay.clock import utc_now
from backstay.telemetry import logger

from .house_shapes import MOST_COUNTED
from .services import services

if TYPE_CHECKING:
    from backstay.alerts.alert import Alert
    from backstay.budgets.budget import Budget
    from backstay.costs.report import Lines
    from backstay.credit import CreditState
    from backstay.jobs.stats import Stats
    from backstay.llm.activity import Tally
    from backstay.resilience.breaker import BreakerStats
    from backstay.workflows.run_statistics import SagaNumbers

T = TypeVar("T")

KEPT_S = 10.0
"""How old a picture may be that answers whether the house is well."""


@dataclass(frozen=True, slots=True)
class HouseState:
    """How it stands for all tenants, or for one: of one, whatever concerns all of them is empty."""

    stats: "Stats | None" = None
    lines: "Lines" = ()
    """Of the accounts: today's."""
    sagas: "Mapping[str, SagaNumbers]" = field(default_factory=dict)
    undone_in_part: int = 0
    """Runs that have failed, and of which not all could be undone: a person is needed."""
    breakers: "tuple[BreakerStats, ...]" = ()
    activity: "Mapping[str, Tally]" = field(default_factory=dict)
    """What each provider did today."""
    credits: "Mapping[str, CreditState]" = field(default_factory=dict)
    alerts: "tuple[Alert, ...]" = ()
    """Not resolved, the latest first."""
    budgets: "tuple[Budget, ...]" = ()
    """Of the whole and of every provider, and quotas."""
    unread: tuple[str, ...] = ()
    """Parts that could not be read, and stand here as if there were nothing."""


Parts = Mapping[str, Callable[[], Any]]


def read_house(tenant: str | None) -> HouseState:
    """As it stands now. A part that can't be read leaves the others as they are."""
    parts = _parts(tenant)
    with ThreadPoolExecutor(max_workers=len(parts)) as threads:
        reading = {name: threads.submit(read) for name, read in parts.items()}
    found = {name: _result(name, future) for name, future in reading.items()}
    unread = tuple(name for name, value in found.items() if value is None)
    return HouseState(**{name: value for name, value in found.items() if value is not None}, unread=unread)


class RecentHouse:
    """How the house stood a moment ago, for questions that anybody may ask as often as they like. One a process."""

    def __init__(
        self,
        elapsed: Callable[[], float] = time.monotonic,
        read: Callable[[], HouseState] = lambda: read_house(None),
    ) -> None:
        self._elapsed, self._read = elapsed, read
        self._kept: tuple[float, HouseState] | None = None

    def state(self) -> HouseState:
        """At most so many seconds old."""
        now = self._elapsed()
        if self._kept is None or now - self._kept[0] > KEPT_S:
            self._kept = now, self._read()
        return self._kept[1]


def _result(name: str, future: "Future[T]") -> T | None:
    try:
        return future.result()
    except (BotoCoreError, ClientError):
        logger().warning("a part of the house can't be read", part=name, exc_info=True)
        return None


def _parts(tenant: str | None) -> Parts:
    """How to read each part, by its name in `HouseState`."""
    from backstay.workflows.run import RunState

    there, today = services(), utc_now().date()
    of_anybody: Parts = {
        "stats": lambda: there.stats.read() if tenant is None else there.stats.read_tenant(tenant),
        "lines": lambda: there.cost_book.of(tenant, today, today),
        "sagas": lambda: {name: there.runs.numbers(name, tenant) for name in there.sagas.names},
        "undone_in_part": lambda: there.run_queries.count(RunState.COMPENSATION_FAILED, tenant, MOST_COUNTED),
    }
    return of_anybody if tenant else {**of_anybody, **_parts_of_all()}


def _parts_of_all() -> Parts:
    from backstay.alerts.alert import AlertState
    from backstay.budgets.gauges import gauged_scopes
    from backstay.credit import read_credits
    from backstay.llm.activity import read_today

    there, settings = services(), services().config
    table, names = there.env.guards_table, tuple(settings.providers)
    unresolved = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
    return {
        "breakers": there.circuits.list,
        "activity": lambda: read_today(table, names, utc_now()),
        "credits": lambda: read_credits(table, names),
        "alerts": lambda: there.alerting.store.page(unresolved, MOST_COUNTED).alerts,
        "budgets": lambda: there.standing.read(gauged_scopes(settings)),
    }
