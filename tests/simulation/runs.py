"""Runs of a saga: its real state machine, driven by an interpreter of the States Language, on the real jobs."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from take_part.task import Part

from backstay.workflows.saga import Saga, Step, Undo, ref
from infra.state_machine import Ground, state_machine
from tests.memory import sqs as addresses
from tests.simulation.clockwork import later, sleep
from tests.simulation.outside import Effect
from tests.simulation.stage import CATALOG, Stage
from tests.simulation.tokens import Tokens
from tests.states_language import Machine, Sent, TaskError

STEPS = ("one", "two", "three")
_SAGA = "parts"


@dataclass(frozen=True, slots=True)
class RunWish:
    """A run that somebody wants, and what is to go wrong with it."""

    run_id: str
    at: float
    refuses: str | None = None
    """The step that fails for good."""
    failures: int = 0
    """Of each step, before it goes well."""
    aborted_after: float | None = None
    """Seconds after its start."""


class StoppedError(Exception):
    """Somebody has stopped the execution."""


@dataclass
class Run:
    """One, from its start to its end."""

    wish: RunWish
    stage: Stage
    tokens: Tokens
    luck: random.Random
    end: str | None = None
    is_stopped: bool = False
    execution: int = 1
    done: dict[str, Any] = field(default_factory=dict)

    def go(self) -> None:
        """In a thread of the world's own."""
        sleep(self.wish.at)
        if self.wish.aborted_after is not None:
            later(self.wish.aborted_after, self._stop)
        try:
            ended = self._machine().run(self._data("do"))
        except StoppedError:
            self.is_stopped, self.execution = False, 2
            ended = self._machine().run(self._data("abort"))
        self.end = ended.error or "completed"

    def complaints(self, effects: list[Effect]) -> Iterator[str]:
        """What should not be, once it is over."""
        own = [effect for effect in effects if effect.run_id == self.wish.run_id]
        if self.end is None:
            yield f"run {self.wish.run_id} never ends"
        for step in STEPS:
            ways = [effect.direction for effect in own if effect.step == step]
            if self.end == "completed" and ways != ["do"]:
                yield f"run {self.wish.run_id} is completed, and step {step} came to {ways}"
            if self.end in ("compensated", "failed", "aborted") and ways not in ([], ["do", "undo"], ["undo"]):
                yield f"run {self.wish.run_id} is {self.end}, and step {step} came to {ways}"
        if self.end not in _ENDS:
            yield f"run {self.wish.run_id} ended as {self.end}"

    def _machine(self) -> Machine:
        ground = Ground({task.name: task for task in CATALOG}, lambda queue: addresses.URL + queue)
        return Machine(state_machine(_saga(self.wish), ground), self._enter, sleep)

    def _data(self, mode: str) -> dict[str, Any]:
        tenant = self.wish.run_id.partition(".")[0]
        begun = {"run_id": self.wish.run_id, "tenant": tenant, "execution": self.execution, "mode": mode}
        return {**begun, "pre_approved": False, "facts": {}, "steps": dict(self.done)}

    def _enter(self, sent: Sent) -> Any:
        """A state waits for its job."""
        body = json.loads(json.dumps(sent.parameters["MessageBody"]))
        token = f"{self.wish.run_id} {self.execution} {body['step']['token']}"
        body["step"]["token"] = token
        self.tokens.waiting.add(token)
        url = sent.parameters["QueueUrl"]
        for _ in range(self.luck.choice((1, 1, 1, 2))):
            self.stage.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageGroupId=body["tenant"])
        self.stage.arrivals.wake()
        while token not in self.tokens.answers:
            self.tokens.crowd.wait()
            if self.is_stopped:
                self.tokens.waiting.discard(token)
                raise StoppedError
        answer = self.tokens.answers[token]
        if isinstance(answer, TaskError):
            raise answer
        if body["step"]["direction"] == "do":
            self.done[sent.state] = answer
        return answer

    def _stop(self) -> None:
        if self.end is None:
            self.is_stopped = True
            self.tokens.crowd.wake()


_ENDS = ("completed", "compensated", "compensation_failed", "failed", "aborted")


def _saga(wish: RunWish) -> Saga:
    def part(step: str, direction: str) -> dict[str, Any]:
        harm = {"refuses": step == wish.refuses, "failures": wish.failures} if direction == "do" else {}
        return {"run_id": ref("run.id"), "step": step, "direction": direction, **harm}

    steps = tuple(Step(name, "take-part", part(name, "do"), Undo("take-part", part(name, "undo"))) for name in STEPS)
    return Saga(_SAGA, input=Part, steps=steps)


def run_wishes(luck: random.Random, tenants: tuple[str, ...], until: float) -> Iterator[RunWish]:
    """Some, or none."""
    for number in range(luck.choice((0, 0, 0, 1, 2))):
        yield RunWish(
            f"{luck.choice(tenants)}.{number:024d}",
            luck.uniform(0, until / 2),
            refuses=luck.choice((None, None, *STEPS)),
            failures=luck.choice((0, 0, 1)),
            aborted_after=luck.uniform(0, 60) if luck.random() < 0.3 else None,
        )
