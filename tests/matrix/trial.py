"""Runs cases side by side on a cloud, and judges how each came out."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backstay.jobs.step import job_of_step
from tests.e2e.stack import Json, Stack
from tests.matrix.cases import Case, Harm
from tests.matrix.effects import Effect, effects_of
from tests.receivers import Receiver

SAGA, TASK = "matrix", "act"
_KILLS = frozenset({Harm.DIES_BEFORE, Harm.DIES_AFTER})
_OVER = frozenset({"completed", "compensated", "compensation_failed", "failed", "aborted"})
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case came out."""

    case: Case
    run_id: str
    complaints: tuple[str, ...]
    run: Json
    """As the API shows it at the end."""


def try_all(
    stack: Stack, receiver: Receiver, cases: Sequence[Case], seconds: float, told: Callable[[], None] = lambda: None
) -> list[Verdict]:
    """Start a run for every case, wait until all are over, and judge.

    Args:
        stack: where the saga `matrix` is deployed.
        receiver: takes the effects.
        cases: what goes wrong.
        seconds: how long they may take.
        told: called for every run that is over.
    """
    runs = {_start(stack, receiver, case): case for case in cases}
    open_ids, to_abort = set(runs), {run_id for run_id, case in runs.items() if case.harm is Harm.ABORTED_WHILE_ACTIVE}
    deadline = time.monotonic() + seconds
    ended: dict[str, Json] = {}
    while open_ids and time.monotonic() < deadline:
        effects = effects_of(list(receiver.received))
        for run_id in sorted(to_abort):
            if Effect(run_id, runs[run_id].step, "do") in effects:
                stack.post(f"/api/runs/{run_id}/abort", {})
                to_abort.discard(run_id)
        for run_id in sorted(open_ids):
            if (run := stack.get(f"/api/runs/{run_id}"))["state"] in _OVER:
                ended[run_id] = run
                open_ids.discard(run_id)
                told()
        time.sleep(_LOOK_EVERY_S)
    effects = effects_of(list(receiver.received))
    return [_judge(stack, run_id, case, ended.get(run_id), effects) for run_id, case in runs.items()]


def _start(stack: Stack, receiver: Receiver, case: Case) -> str:
    started = stack.post(f"/api/sagas/{SAGA}/runs", {"input": {"url": receiver.url(), "faults": case.faults}})
    run_id: str = started["id"]
    return run_id


def _judge(stack: Stack, run_id: str, case: Case, run: Json | None, effects: Sequence[Effect]) -> Verdict:
    expected = case.expected
    own = [effect for effect in effects if effect.run_id == run_id]
    done, undone = (tuple(effect.step for effect in own if effect.direction == way) for way in ("do", "undo"))
    run = run or stack.get(f"/api/runs/{run_id}")
    complaints = [
        f"{what} {json.dumps(found)}, and must be {json.dumps(wanted)}"
        for what, found, wanted in (
            ("the run is", run["state"], expected.end),
            ("done was", done, expected.done),
            ("undone was", undone, expected.undone),
        )
        if found != wanted
    ]
    if case.harm in _KILLS and (attempts := stack.job(job_of_step(run_id, case.step, TASK))["attempts"]) != 2:
        complaints.append(f"the job took {attempts} attempts, and must take 2: one was killed")
    return Verdict(case, run_id, tuple(complaints), run)
