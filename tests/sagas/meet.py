"""A saga that waits twice: for a person, and for another run."""

from obey.task import Order

from backstay.workflows.saga import Approval, Saga, Step, Undo, WaitForSignal, ref

saga = Saga(
    "meet",
    input=Order,
    steps=(
        Step("prepare", "obey", {"text": "prepared"}, undo=Undo("obey", {"text": "taken back"})),
        Approval("consent", timeout_s=600),
        WaitForSignal("listen", "greeting", timeout_s=600),
        Step("answer", "obey", {"text": ref("listen.words", default="nothing")}),
    ),
)
