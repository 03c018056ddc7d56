"""Two steps, the first of which can be undone: the smallest saga that can go either way."""

from obey.task import Order

from backstay.workflows.saga import Saga, Step, Undo, ref

saga = Saga(
    "two-steps",
    input=Order,
    steps=(
        Step("first", "obey", {"text": "first"}, undo=Undo("obey", {"text": ref("first.text")})),
        Step("second", "obey", {"text": ref("first.text"), "reject": ref("input.reject", default=False)}),
    ),
)
