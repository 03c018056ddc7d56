"""A saga that never completes, and an undo that fails for as long as what it calls does."""

from act.task import Trial

from backstay.workflows.saga import Saga, Step, Undo, WaitForSignal, fact, ref

calls = {"url": ref("input.url"), "run_id": ref("run.id"), "step": "hard", "direction": "undo"}

saga = Saga(
    "hard-to-undo",
    input=Trial,
    steps=(
        Step("easy", "obey", {}, Undo("obey", {})),
        Step("hard", "obey", {}, Undo("act", calls)),
        WaitForSignal("hope", "help", when=fact("input.hopes"), timeout_s=2),
        Step("fail", "obey", {"reject": True}),
    ),
)
