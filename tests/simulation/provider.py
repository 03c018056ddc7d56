"""Model providers that bill call by call, and fail in every way that bills or doesn't."""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from backstay.llm.errors import Facts, Fault, failure
from backstay.llm.request import Answer, Finish, Request, Usage
from backstay.running import current_job
from tests.simulation.clockwork import current_process, now, sleep
from tests.simulation.faults import Fate, Line

PRICES: Mapping[str, tuple[int, int]] = {"north": (10, 180), "south": (8, 220)}
"""US dollars a million tokens in and out, by provider."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One call that was charged."""

    number: int
    provider: str
    job_id: str
    task: str
    tenant: str
    question: str
    usd: Decimal
    reservation: str
    useful: bool
    """Whether it was an answer in the form that was asked for."""


@dataclass
class Providers:
    """All of them, and what they have billed."""

    line: Line
    luck: random.Random
    trouble: float
    """The part of calls that goes wrong."""
    until: float
    answers_in_s: float = 2
    """On average."""
    down: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """From when until when one answers nothing, in seconds since the simulation began."""
    bills: list[Bill] = field(default_factory=list)
    billed: Callable[[Bill], None] = lambda _: None
    """Told of each."""
    reserved: dict[object, str] = field(default_factory=dict)
    """By thread's job: the reservation that its next call goes on."""
    asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Provider:
    """One of them, as Backstay opens it."""

    def __init__(self, name: str, all_of_them: Providers) -> None:
        self._name, self._all = name, all_of_them

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """Answer, bill, or fail."""
        world, process = self._all, current_process()
        route = f"{self._name}/{model}"
        question = request.messages[-1].content[:60]
        fate = world.line.fates.of("provider.ask", question)
        world.line.note(f"provider.ask {route} {question!r} {fate}")
        if fate is Fate.DIES_BEFORE and process:
            process.die()
        begin, end = world.down.get(self._name, (0.0, 0.0))
        if begin <= now() < end:
            sleep(0.01)
            raise failure(route, Facts(status=503, body={"error": {"message": "overloaded"}}))
        is_troubled = now() < world.until and world.luck.random() < world.trouble
        kind = world.luck.choice(_TROUBLES) if is_troubled else "answers"
        sleep(min(timeout_s, world.luck.expovariate(1 / world.answers_in_s)))
        match kind:
            case "overloaded":
                raise failure(route, Facts(status=503, body={"error": {"message": "overloaded"}}))
            case "limits":
                raise failure(route, Facts(status=429, retry_after_s=float(world.luck.randint(1, 20))))
            case "refuses connections":
                raise failure(route, Facts(fault=Fault.NO_CONNECTION))
            case "hangs":
                sleep(timeout_s)
                raise failure(route, Facts(fault=Fault.TIMEOUT))
        usage, bill = self._bill(request, useful=kind != "is useless")
        if fate is Fate.DIES_AFTER and process:
            process.die()
        match kind:
            case "answers too late":
                sleep(timeout_s)
                raise failure(route, Facts(fault=Fault.TIMEOUT))
            case "is cut off":
                raise failure(route, Facts(fault=Fault.CONNECTION))
        said = {"heard": bill.question, "call": bill.number} if bill.useful else {"useless": True}
        return Answer(json.dumps(said), Finish.COMPLETE, usage)

    def _bill(self, request: Request, *, useful: bool) -> tuple[Usage, Bill]:
        world, job = self._all, current_job.get()
        if job is None:
            raise AssertionError("only jobs ask")
        read = world.luck.randint(1, request.most_input_tokens)
        written = world.luck.randint(1, request.max_output_tokens)
        price_in, price_out = PRICES[self._name]
        question = next(one.content for one in request.messages if one.role == "user")
        bill = Bill(
            number=len(world.bills),
            provider=self._name,
            job_id=job.id,
            task=job.task,
            tenant=job.tenant,
            question=question,
            usd=Decimal(read * price_in + written * price_out) / 1_000_000,
            reservation=world.reserved.pop(id(job), ""),
            useful=useful,
        )
        world.bills.append(bill)
        world.billed(bill)
        return Usage(read, written), bill


_TROUBLES = (
    "overloaded", "limits", "refuses connections", "hangs", "answers too late", "is cut off", "is useless",
)  # fmt: skip
