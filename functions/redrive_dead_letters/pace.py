"""How a redrive goes on from portion to portion. Pure."""

import json
import math
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

SHORTEST_PERIOD_S = 10.0
"""Seconds from the beginning of one portion to that of the next, unless the pace is slower than one in that time."""


class Moved(StrEnum):
    """What became of one dead letter."""

    MOVED = "moved"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a redrive stands; kept beside its job between portions."""

    until: str
    """Only what failed before this ISO time is moved."""
    expected: int
    """How many there were to begin with, as far as they were counted."""
    portion_at: str
    """When the current portion began."""
    moved: int = 0
    skipped: int = 0
    failed: int = 0
    position: str | None = None
    """Where in the index to go on."""
    at_end: bool = False
    """Whether the index holds no more."""
    next_id: int = 0
    """Which of the chosen ids to go on with."""
    under_way: tuple[tuple[str, int], ...] = ()
    """Dead letters that were about to be moved when this was written, with their jobs' generations."""

    @property
    def handled(self) -> int:
        """How many are dealt with."""
        return self.moved + self.skipped + self.failed

    @property
    def percent(self) -> int:
        """0 to 99: only the end is 100."""
        return min(99, 100 * self.handled // self.expected) if self.expected else 0

    @property
    def note(self) -> str:
        """For people."""
        remaining = max(0, self.expected - self.handled)
        return f"moved {self.moved}, skipped {self.skipped}, failed {self.failed}; about {remaining} to go"

    def with_outcomes(self, outcomes: list[Moved]) -> "Progress":
        """These are dealt with, and nothing is under way."""
        return replace(
            self,
            moved=self.moved + outcomes.count(Moved.MOVED),
            skipped=self.skipped + outcomes.count(Moved.SKIPPED),
            failed=self.failed + outcomes.count(Moved.FAILED),
            under_way=(),
        )


def write_progress(progress: Progress) -> str:
    """As JSON."""
    return json.dumps(asdict(progress))


def read_progress(text: str) -> Progress:
    """What `write_progress` wrote."""
    document = json.loads(text)
    under_way = tuple((job_id, generation) for job_id, generation in document.pop("under_way"))
    return Progress(under_way=under_way, **document)


def period_s(per_second: float) -> float:
    """Seconds from portion to portion."""
    return max(SHORTEST_PERIOD_S, 1 / per_second)


def allowance(per_second: float, since: datetime | None, now: datetime) -> int:
    """How many may be moved in the portion that begins now.

    Args:
        per_second: the pace.
        since: when the portion before began; None for the first one.
        now: UTC.
    """
    period = period_s(per_second)
    passed = period if since is None else min((now - since).total_seconds(), 2 * period)
    return math.floor(per_second * passed + 1e-6)


def next_portion_in(per_second: float, began: datetime, now: datetime) -> float:
    """Seconds until the next portion may begin."""
    return max(1.0, (began + timedelta(seconds=period_s(per_second)) - now).total_seconds())
