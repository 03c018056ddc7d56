"""A saga that fails until a moment, with nothing to undo."""

from obey.task import Order

from backstay.workflows.saga import Saga, Step, ref

saga = Saga(
    "try-again",
    input=Order,
    steps=(
        Step("prepare", "obey", {"text": "begun"}),
        Step("wait_for_it", "obey", {"fail_until": ref("input.fail_until", default=0), "text": ref("prepare.text")}),
    ),
)
