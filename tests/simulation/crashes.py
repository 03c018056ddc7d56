"""Every call that goes out on a job's way, and what comes of a process that dies right before it or right after it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulation.clockwork import current_process
from tests.simulation.faults import DEATHS, Fate, Fates
from tests.simulation.runs import RunWish
from tests.simulation.story import Story, Wish

SAGA = "saga"
WAYS = ("ask-once", "ask-thrice", SAGA)
"""Of a job that asks a model once, of one that asks three times, and of three steps' jobs of a run."""
_SWEEP = "sweep"
"""What puts things right is not on the job's way."""


@dataclass(frozen=True, slots=True)
class Call:
    """One that goes out."""

    label: str
    what: str

    def __str__(self) -> str:
        return f"{self.label} {self.what}"


@dataclass(frozen=True, slots=True)
class Window:
    """The calls from a question that is sent to its answer that is stored, by number: who dies in it may pay twice."""

    asks: int
    stores: int

    def holds(self, number: int, fate: Fate) -> bool:
        """Whether a death there is inside."""
        is_sent = number > self.asks or (number == self.asks and fate is Fate.DIES_AFTER)
        is_stored = number > self.stores or (number == self.stores and fate is Fate.DIES_AFTER)
        return is_sent and not is_stored


@dataclass(frozen=True, slots=True)
class Point:
    """One death, and what was wrong afterwards."""

    way: str
    call: Call
    fate: Fate
    inside: bool
    """Between a question and its answer in store."""
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.way}: {self.fate} {self.call}: {'; '.join(self.wrong) or 'right'}"


@dataclass
class _Scripted:
    """Everything goes well, but for one call."""

    number: int | None = None
    fate: Fate = Fate.WELL
    calls: list[Call] = field(default_factory=list)

    def of(self, label: str, what: str) -> Fate:
        process = current_process()
        if process is None or process.name.startswith(_SWEEP):
            return Fate.WELL
        self.calls.append(Call(label, what))
        return self.fate if len(self.calls) - 1 == self.number else Fate.WELL


class _Way(Story):
    """With one death on it. One job, or one run of a saga."""

    def __init__(self, way: str, script: _Scripted) -> None:
        super().__init__(seed=0)
        self.script, self.is_saga = script, way == SAGA
        self.wish = Wish("ask-once" if self.is_saga else way, "acme", "one", {"about": "one"}, 0)
        self.wishes = () if self.is_saga else ((self.wish,),)
        self.run_wishes = (RunWish(f"acme.{0:024d}", 0),) if self.is_saga else ()
        self.ends_at = self.share = self.trouble = self.repeat = self.outlives_s = 0.0
        self.down, self.warm = {}, 1.0
        self.settings = dict.fromkeys(self.settings, 1000)

    def _fates(self) -> Fates:
        return self.script


def points(name: str) -> Iterator[Point]:
    """Each of a way's, tried."""
    calls = _clean(name)
    windows = windows_of(calls) if name != SAGA else []
    for number, call in enumerate(calls):
        for fate in DEATHS:
            inside = [place for place, window in enumerate(windows) if window.holds(number, fate)]
            way = _Way(name, _Scripted(number, fate))
            told = way.run()
            wrong = (*told.complaints, *(_wrong_run(way) if way.is_saga else _wrong(way, len(windows), inside)))
            yield Point(name, call, fate, bool(inside), wrong)


def _clean(name: str) -> list[Call]:
    way = _Way(name, _Scripted())
    told = way.run()
    if told.complaints:
        raise AssertionError(f"without any death: {told.complaints}")
    return way.script.calls


def windows_of(calls: Sequence[Call]) -> list[Window]:
    """One for each question: its answer is stored before the next is asked, the last one with the job's end."""
    asks = [number for number, call in enumerate(calls) if call.label == "provider.ask"]
    stores = [number for number, call in enumerate(calls) if "/call#" in call.what and "put_item" in call.label]
    ends = max(number for number, call in enumerate(calls) if call.label == "dynamodb.update_item" and _is_job(call))
    return [Window(ask, store) for ask, store in zip(asks, [*stores, ends], strict=True)]


def _is_job(call: Call) -> bool:
    return call.what.split("/")[1:2] == ["state"]


def _wrong_run(way: _Way) -> Iterator[str]:
    if (end := way.runs[0].end) != "completed":
        yield f"the run is {end}"


def _wrong(way: _Way, questions: int, inside: Sequence[int]) -> Iterator[str]:
    record, bills = way.judge.record(way.wish.job_id), way.providers.bills
    if record is None or record.state != "completed":
        yield f"the job is {record and record.state}"
        return
    asked = ["one"] if questions == 1 else [f"one {number}" for number in range(questions)]
    paid = Counter(bill.question for bill in bills)
    uncertain = {holding.name for listed in way.judge.uncertain() for holding in listed.holdings}
    for place, question in enumerate(asked):
        most = 2 if place in inside else 1
        if not 1 <= paid[question] <= most:
            yield f"{question!r} was paid {paid[question]} times"
        if place in inside:
            first = next(bill for bill in bills if bill.question == question)
            if first.reservation not in uncertain:
                yield f"the first call for {question!r} is not listed as uncertain"
            if not record.uncertain:
                yield "the job is not marked as uncertain"
    kept = {bill.reservation for bill in bills if bill.question not in {asked[place] for place in inside}}
    if known := uncertain & kept:  # what was held and never sent is rightly uncertain
        yield f"calls whose answers are stored are listed as uncertain: {sorted(known)}"
