"""A saga that takes longer than anybody wants to wait: a step of it where `text` says so, else all of it."""

from obey.task import Order

from backstay.workflows.saga import Saga, Step, Undo, fact

NEVER = {"not_now_until": 10_000}

saga = Saga(
    "dawdle",
    input=Order,
    steps=(
        Step("linger", "obey", NEVER, Undo("obey", {}), when=fact("input.text").equals("a step"), stuck_after_s=1),
        Step("loiter", "obey", NEVER, Undo("obey", {})),
    ),
)
