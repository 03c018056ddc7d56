"""A saga that waits for what never comes."""

from obey.task import Order

from backstay.workflows.saga import Saga, Step, Undo, WaitForSignal

saga = Saga(
    "nobody-comes",
    input=Order,
    steps=(
        Step("prepare", "obey", {}, Undo("obey", {})),
        WaitForSignal("hope", "help", timeout_s=2),
        Step("go_on", "obey", {}),
    ),
)
