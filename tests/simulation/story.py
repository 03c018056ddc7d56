"""What happens in one simulation: jobs come in, everything goes wrong for a while, and then it has to come right."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backstay.jobs import keys
from backstay.jobs.submit import Submission, Submitter
from tests.simulation import outside
from tests.simulation.clockwork import begin, now, simulate, sleep
from tests.simulation.faults import Fates, Line, Seeded
from tests.simulation.fleet import Fleet
from tests.simulation.judge import Judge
from tests.simulation.provider import Providers
from tests.simulation.runs import Run, run_wishes
from tests.simulation.stage import CATALOG, ENV, Stage

TENANTS = ("acme", "globex")
_NOON = datetime(2026, 1, 30, 12, tzinfo=UTC).timestamp()
_SHORTLY_BEFORE_MIDNIGHT = datetime(2026, 1, 30, 23, 50, tzinfo=UTC).timestamp()
_LONGEST_S, _LONGEST_REST_S = 6 * 3600.0, 3 * 3600.0


@dataclass(frozen=True, slots=True)
class Wish:
    """A job that somebody wants done, and how they ask for it."""

    task: str
    tenant: str
    key: str
    input: dict[str, Any]
    at: float
    """Seconds after the one before it was accepted, or after the beginning."""
    by_message: bool = False
    twice: bool = False

    @property
    def job_id(self) -> str:
        """Of the job that comes of it."""
        return keys.job_id(self.tenant, self.task, self.key)


@dataclass(frozen=True, slots=True)
class Told:
    """How a simulation went."""

    seed: int
    complaints: tuple[str, ...]
    trace: tuple[str, ...]
    jobs: int
    harmed: int
    """Calls that did not go well."""
    calls: int

    @property
    def digest(self) -> str:
        """Of the trace."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]


@dataclass
class Story:
    """One, by its seed."""

    seed: int
    judge: Judge = field(default_factory=Judge)
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        luck = self._luck("plan")
        self.ends_at = luck.uniform(60, 400)
        """When faults end, in seconds since the simulation began."""
        self.share = luck.choice((0.0, 0.03, 0.08, 0.2))
        self.trouble = luck.choice((0.0, 0.1, 0.4))
        self.epoch = luck.choice((_NOON, _SHORTLY_BEFORE_MIDNIGHT))
        money = luck.choice((1000, 0.06, 0.03))
        self.settings = {
            "total": luck.choice((1000, 2 * money)),
            "provider": luck.choice((1000, money)),
            "tenant": money,
            "rate": luck.choice((1000, 6)),
        }
        begins = luck.uniform(0, self.ends_at / 2)
        self.down = {"north": (begins, begins + luck.uniform(30, 400))} if luck.random() < 0.4 else {}
        self.warm, self.repeat = luck.choice((0.2, 0.9)), luck.choice((0.0, 0.1))
        self.outlives_s, self.answers_in_s = luck.choice((0, 200)), luck.choice((1, 2, 6))
        self.wishes = tuple(_wishes(luck, self.ends_at))
        self.run_wishes = tuple(run_wishes(self._luck("runs"), TENANTS, self.ends_at))
        if self.run_wishes:
            # What happens outside can't be fenced: who may have an effect is ended before its lease is.
            self.outlives_s = 0

    def run(self) -> Told:
        """Simulate it."""
        try:
            simulate(self.seed, self.epoch, self._play)
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed has found it
            self.judge.complaints.append(f"it broke: {type(error).__name__}: {error}")
        harmed = sum(not line.endswith("well") for line in self.line.trace if _is_try(line))
        return Told(
            self.seed,
            tuple(self.judge.complaints),
            tuple(self.line.trace),
            len(self.accepted),
            harmed,
            sum(map(_is_try, self.line.trace)),
        )

    def _luck(self, of: str) -> random.Random:
        return random.Random(f"{self.seed} {of}")

    def _play(self) -> None:
        self._set()
        for wishes in self.wishes:
            begin(partial(self._want, wishes))
        for run in self.runs:
            begin(run.go)
        self.fleet.begin()
        while (now() < self.ends_at or self._is_unfinished()) and now() < _LONGEST_S:
            sleep(60)
        rests_until = now() + _LONGEST_REST_S
        while not self.judge.is_quiet() and now() < rests_until:
            sleep(60)
        self.fleet.is_over = True
        self.judge.sum_up(self.accepted, self.providers.bills)
        for run in self.runs:
            self.judge.complain_of(run.complaints(self.outside.effects))

    def _set(self) -> None:
        self.line = Line(self._fates(), self._luck("line"))
        at_random = self._luck("queues")
        repeats: Callable[[], bool] = lambda: now() < self.ends_at and at_random.random() < self.repeat  # noqa: E731
        self.judge.line = self.line
        self.stage = Stage(self.line, self._luck("order"), self.settings, self.judge.watch, repeats)
        self.judge.stage = self.stage
        self.providers = Providers(
            self.line, self._luck("providers"), self.trouble, self.ends_at, self.answers_in_s, self.down
        )
        self.providers.billed = self.judge.bill
        self.stage.answered_by(self.providers)
        self.outside = outside.begin(self.line)
        self.runs = [Run(wish, self.stage, self.stage.tokens, self._luck(wish.run_id)) for wish in self.run_wishes]
        tasks = {wish.task for wishes in self.wishes for wish in wishes}
        tasks |= {"take-part", "settle-step"} if self.runs else set()
        self.fleet = Fleet(self.stage, self._luck("fleet"), self.warm, self.outlives_s, tasks, repeats)

    def _fates(self) -> Fates:
        return Seeded(self._luck("fates"), self.share, self.ends_at)

    def _is_unfinished(self) -> bool:
        if any(run.end is None for run in self.runs):
            return True
        return len(self.accepted) < sum(map(len, self.wishes)) or bool(self.judge.unfinished(self.accepted))

    def _want(self, wishes: Sequence[Wish]) -> None:
        """Somebody asks for one after another until it is accepted, and perhaps once more."""
        for wish in wishes:
            sleep(wish.at)
            luck = self._luck(wish.key)
            for _ in range(1 + wish.twice):
                while not self._ask(wish):
                    sleep(luck.uniform(1, 20))
                self.accepted[wish.job_id] = wish.input
                sleep(luck.uniform(0, 100) if wish.twice else 0)

    def _ask(self, wish: Wish) -> bool:
        came_to_an_end, is_accepted = self.fleet.within("api", lambda: _ask(wish), 30)
        self.stage.arrivals.wake()
        return came_to_an_end and is_accepted


def _ask(wish: Wish) -> bool:
    from backstay import aws

    try:
        if wish.by_message:
            body = {"task": wish.task, "tenant": wish.tenant, "idempotency_key": wish.key, "input": wish.input}
            queue = CATALOG.get(wish.task).queue_name("normal")
            aws.sqs().send_message(QueueUrl=ENV.queue_url(queue), MessageBody=json.dumps(body))
        else:
            submission = Submission(wish.task, wish.input, tenant=wish.tenant, idempotency_key=wish.key)
            Submitter(ENV, CATALOG).submit(submission)
    except (BotoCoreError, ClientError):
        return False
    return True


def _wishes(luck: random.Random, until: float) -> Iterator[tuple[Wish, ...]]:
    in_a_burst = luck.random() < 0.5
    for number in range(luck.randint(2, 6)):
        tenant, key = luck.choice(TENANTS), f"wish-{number}"
        task = luck.choice(("ask-once", "ask-once", "ask-thrice", "stumble", "in-order"))
        at, how = luck.uniform(0, 0.1 if in_a_burst else until / 2), _ways(luck)
        match task:
            case "stumble":
                failures, deaths = luck.choice((0, 1, 2, 3)), luck.choice((0, 0, 0, 1, 3))
                work = {"failures": failures, "deaths": deaths, "lasts_s": luck.choice((0, 1, 10))}
                yield (Wish(task, tenant, key, work, at, **how),)
            case "in-order":
                turns = [{"line": f"line {number}", "number": turn} for turn in range(luck.randint(2, 3))]
                yield tuple(Wish(task, tenant, f"{key}-{n}", turn, at * (n == 0)) for n, turn in enumerate(turns))
            case "ask-once" if luck.random() < 0.4:
                asked = {"about": "what all ask", "shared": True}
                yield (Wish(task, tenant, key, asked, luck.uniform(0, 60), **how),)
            case _:
                yield (Wish(task, tenant, key, {"about": f"{tenant} {key}"}, at, **how),)


def _ways(luck: random.Random) -> dict[str, bool]:
    return {"by_message": luck.random() < 0.2, "twice": luck.random() < 0.2}


def _is_try(line: str) -> bool:
    return " refused: " not in line and ("." in line[24:60])
