"""The demo's last lines: what the counters and accounts say, which the page shows too, against every job one by one."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cli.api import Api
from cli.views import JobView

_OVER = ("completed", "failed", "cancelled")
_TO_COME = ("waiting", "active", "delayed")
STATES = (*_OVER, *_TO_COME)
_MOST_JOBS = 10_000
_PATIENCE_S = 60.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Summary:
    """Numbers of jobs by state, and what was spent."""

    counted: Mapping[str, int]
    """By the counters, which follow the table's stream."""
    listed: Mapping[str, int]
    """Job by job."""
    spent: Decimal
    """By the accounts."""
    receipts: Decimal
    """The jobs' receipts, added up."""
    elsewhere: Decimal
    """What was recorded by hand, which no job has a receipt of."""
    still_to_come: tuple[str, ...] = ()
    """Tasks of the jobs that are not over, such as one of the house's own that looks once more in a minute."""

    @property
    def complaint(self) -> str:
        """What does not agree; nothing where all does."""
        wrong = [state for state in STATES if self.counted.get(state, 0) != self.listed.get(state, 0)]
        if wrong:
            return f"counters and jobs differ in {', '.join(wrong)}: {dict(self.counted)}, {dict(self.listed)}"
        if self.spent != self.receipts + self.elsewhere:
            return f"accounts say ${self.spent}, receipts ${self.receipts} and ${self.elsewhere} by hand"
        return ""

    def text(self) -> str:
        """Three lines for a person."""
        jobs = ", ".join(f"{self.counted[state]} {state}" for state in STATES if self.counted.get(state))
        to_come = f" ({', '.join(self.still_to_come)})" if self.still_to_come else ""
        by_hand = f" and ${_plain(self.elsewhere)} recorded by hand" if self.elsewhere else ""
        agrees = self.complaint or "as the page shows it, and as every job's receipt adds up"
        spent = f"${_plain(self.spent)}: ${_plain(self.receipts)} by receipts{by_hand}"
        return f"jobs:  {jobs}{to_come}\nspent: {spent}\n       {agrees}"

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "jobs": dict(self.counted),
            "spent_usd": _plain(self.spent),
            "receipts_usd": _plain(self.receipts),
            "complaint": self.complaint or None,
        }


def _plain(amount: Decimal) -> str:
    """To the last digit that says something."""
    return f"{amount.normalize():f}"


def read_summary(api: Api, elsewhere: Decimal) -> Summary:
    """How it all stands, once counters and accounts have followed the stream; or at the end of patience.

    Args:
        api: of the cloud.
        elsewhere: what was recorded by hand, in US dollars.
    """
    ends_at = time.monotonic() + _PATIENCE_S
    while (summary := _read(api, elsewhere)).complaint and time.monotonic() < ends_at:
        time.sleep(_LOOK_EVERY_S)
    return summary


def _read(api: Api, elsewhere: Decimal) -> Summary:
    jobs = [JobView.of(document) for document in _jobs(api)]
    total, costs = api.get("/api/overview")["jobs"], api.get("/api/costs", window="yearly")["total"]
    return Summary(
        counted={state: total[state] for state in STATES},
        listed=Counter(job.state for job in jobs),
        spent=Decimal(costs["cost_usd"]),
        receipts=sum((job.cost_usd or Decimal(0) for job in jobs), Decimal(0)),
        elsewhere=elsewhere,
        still_to_come=tuple(sorted({job.task for job in jobs if job.state in _TO_COME})),
    )


def _jobs(api: Api) -> Iterator[dict[str, Any]]:
    """Every job of every tenant; one that moves on meanwhile may be on two pages."""
    seen: dict[str, dict[str, Any]] = {}
    for document in api.jobs(_MOST_JOBS):
        seen.setdefault(document["id"], document)
    return iter(seen.values())
