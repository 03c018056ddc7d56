"""Four steps, each of which hands on what the one before has handed to it."""

from do_nothing.task import Parcel

from backstay.workflows.saga import Saga, Step, ref

saga = Saga(
    "pass-on",
    Parcel,
    (
        Step("one", "do-nothing", {"content": ref("input.content", default="")}),
        Step("two", "do-nothing", {"content": ref("one.content")}),
        Step("three", "do-nothing", {"content": ref("two.content")}),
        Step("four", "do-nothing", {"content": ref("three.content")}),
    ),
)
