"""A step of a saga with an effect outside, which fails where and as it is told."""

from enum import StrEnum

from pydantic import BaseModel

from backstay.task import Job, Rejected, Task

LATE_S = 8


class Fault(StrEnum):
    """What goes wrong. Where it says once, later attempts go well."""

    FAILS_FOR_GOOD = "fails_for_good"
    FAILS_ONCE = "fails_once"
    DIES_BEFORE = "dies_before"
    """Once: the worker is killed before the call."""
    DIES_AFTER = "dies_after"
    """Once: after the call."""
    DIES_UNTOLD = "dies_untold"
    """Once: the job is finished, and nobody is told."""
    CALLBACK_LOST = "callback_lost"
    """Once: Step Functions can't be reached."""
    TWICE = "twice"
    """Its message is delivered twice more."""
    LATE = "late"
    """The call goes through, and its answer takes longer than the step may."""
    HELD = "held"
    """Stays active after the call until it is called off."""


class Trial(BaseModel):
    """What a run is started with."""

    url: str
    """Of the receiver."""
    faults: dict[str, Fault] = {}
    """By step and direction, such as `one#do`."""
    hopes: bool = False
    """Whether a run of `hard-to-undo` waits for help, in vain."""


class Act(BaseModel):
    """What one step is to do."""

    url: str
    run_id: str
    step: str
    direction: str
    faults: dict[str, Fault] = {}
    done: str | None = None
    """What the step that is to be undone has answered."""

    @property
    def name(self) -> str:
        """As trials name it."""
        return f"{self.step}#{self.direction}"


class Acted(BaseModel):
    """What was done."""

    done: str


task = Task(
    name="act",
    input=Act,
    output=Acted,
    timeout=10,
    backoff=1,
    concurrency=3,  # batches of one: a worker that dies takes no neighbour with it
)


@task.run
def act(order: Act, job: Job) -> Acted:
    """Have the effect, or fail."""
    from . import sabotage

    fault = order.faults.get(order.name)
    if fault is Fault.FAILS_FOR_GOOD:
        raise Rejected(f"told to fail {order.name}")
    if job.attempt == 1:
        sabotage.before(fault, order, job)
    sabotage.call(order, job)
    sabotage.after(fault, job)
    return Acted(done=order.name)
