"""A saga whose only step tells another run something: `text` of the input is that run's id."""

from obey.task import Order

from backstay.workflows.saga import Saga, Step, ref

saga = Saga(
    "tell",
    input=Order,
    steps=(
        Step(
            "greet",
            "coordinate-workflow",
            {
                "type": "event_propagation",
                "target_run_id": ref("input.text", default="nobody"),
                "event": "greeting",
                "payload": {"words": "hello from the other run"},
            },
        ),
    ),
)
