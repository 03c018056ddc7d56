"""How much room for more tasks a stack has: CloudFormation takes 500 resources in one."""

from collections.abc import Mapping
from typing import Any

from backstay.errors import BackstayError

LIMIT, NEAR = 500, 430
_REMEDY = (
    "a task takes nine, one with priorities six more. Deploy some of the tasks, in a folder of their own, as a stage of"
    " their own: an entry in infra/stage.py, then -c stage=… -c functions=… (docs/deploy.md, Room for tasks)"
)


class NoRoomError(BackstayError):
    """A stack has more resources than CloudFormation takes."""


def warning_of(stack: str, template: Mapping[str, Any]) -> str | None:
    """What to tell whoever synthesises about a stack that is nearly full; None while it has room.

    Raises:
        NoRoomError: CloudFormation would refuse it; says what to do.
    """
    count = len(template["Resources"])
    if count > LIMIT:
        raise NoRoomError(f"{stack} has {count} resources, CloudFormation takes {LIMIT}: {_REMEDY}")
    if count > NEAR:
        return f"{stack} has {count} of the {LIMIT} resources that CloudFormation takes: {_REMEDY}"
    return None
