"""Three steps with effects outside, each with its undo, and a last one that has none."""

from typing import Any

from act.task import Trial

from backstay.workflows.saga import Saga, Step, Undo, ref


def _act(step: str, direction: str, **more: Any) -> dict[str, Any]:
    asked = {"url": ref("input.url"), "faults": ref("input.faults", default={}), "run_id": ref("run.id")}
    return {**asked, "step": step, "direction": direction, **more}


def _step(name: str) -> Step:
    undo = Undo("act", _act(name, "undo", done=ref(f"{name}.done")))
    return Step(name, "act", _act(name, "do"), undo=undo, timeout_s=6)


saga = Saga(
    "matrix",
    input=Trial,
    steps=(
        _step("one"),
        _step("two"),
        _step("three"),
        Step("check", "act", _act("check", "do"), timeout_s=6),
    ),
)
