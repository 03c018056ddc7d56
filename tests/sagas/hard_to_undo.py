"""A saga that fails at its end, and whose undoing fails until a moment."""

from obey.task import Order

from backstay.workflows.saga import Saga, Step, Undo, ref

undo = Undo("obey", {"fail_until": ref("input.fail_until", default=0)})

saga = Saga(
    "hard-to-undo",
    input=Order,
    steps=(
        Step("easy", "obey", {}, Undo("obey", {})),
        Step("hard", "obey", {}, undo),
        Step("fail", "obey", {"reject": True}),
    ),
)
