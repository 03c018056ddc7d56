"""Tells one channel of one alert. Sent by its escalation, and once somebody has acknowledged or resolved it."""

import functools
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from backstay.task import Job, Task

if TYPE_CHECKING:
    from .delivering import Delivering

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class Telling(BaseModel):
    """What to tell, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    alert_id: Name
    channel: Name
    about: Literal["open", "acknowledged", "resolved"]
    """The state of the alert that people are told of."""


class Told(BaseModel):
    """What came of it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    sent: bool
    why: str = ""
    """Why nothing was sent."""


task = Task(
    name="deliver-alert",
    input=Telling,
    output=Told,
    timeout=20,
    concurrency=40,  # mostly waiting for others, and one that hangs holds up no other
    memory_mb=256,
    uses=("alerts",),
)


@task.run
def deliver(telling: Telling, job: Job) -> Told:
    """Make one try.

    Raises:
        NotNow, UnreachableError: the channel can't be reached, or asks to be asked later.
        Rejected: it doesn't want the message, or a secret is missing.
        AddressRefusedError: its URL leads to an address that may not be called.
    """
    return _delivering().deliver(telling, job)


@functools.cache
def _delivering() -> "Delivering":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from .delivering import Delivering

    return Delivering.of_this_function()
