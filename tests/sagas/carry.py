"""A saga whose steps hand on what it was started with, as large as that may be; undoing hands it on as well."""

from obey.task import Order

from backstay.workflows.saga import Saga, Step, Undo, ref

saga = Saga(
    "carry",
    input=Order,
    steps=(
        Step(
            "lift",
            "obey",
            {"text": ref("input.text", default="")},
            undo=Undo("obey", {"text": ref("lift.text", default="")}),
        ),
        Step("walk", "obey", {"text": ref("lift.text")}),
        Step("drop", "obey", {"text": ref("walk.text"), "reject": ref("input.reject", default=False)}),
    ),
)
