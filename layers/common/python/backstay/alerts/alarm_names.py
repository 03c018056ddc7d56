"""Names of CloudWatch alarms, from which it is read which rule speaks, and about what."""

import re
from typing import NamedTuple

from backstay.alerts.occurrence import RULE
from backstay.errors import BackstayError

_SOURCE = re.compile(r"[A-Za-z0-9_.:-]+")
_LONGEST = 255  # CloudWatch's


class AlarmNameError(BackstayError):
    """A rule or a source can't be part of an alarm's name."""


class AlarmName(NamedTuple):
    """What a name says."""

    rule: str
    source: str


def alarm_name(prefix: str, rule: str, source: str) -> str:
    """The name of a rule's alarm about one source, such as `backstay-dev-worker.queue_depth/enhance-story`.

    Args:
        prefix: what names of the stage start with, such as `backstay-dev-`.
        rule: such as `worker.queue_depth`.
        source: what is watched; letters, digits and `_.:-`.

    Raises:
        AlarmNameError: names the part that is at fault.
    """
    name = f"{prefix}{rule}/{source}"
    if not RULE.fullmatch(rule):
        raise AlarmNameError(f"rule {rule!r} is none: write category.name, in lower case")
    if not _SOURCE.fullmatch(source):
        raise AlarmNameError(f"source {source!r} of rule {rule} may hold letters, digits and _.:- only")
    if len(name) > _LONGEST:
        raise AlarmNameError(f"alarm name {name!r} is longer than {_LONGEST}; shorten the source")
    return name


def parse(name: str, prefix: str) -> AlarmName:
    """What `alarm_name` put together.

    Raises:
        AlarmNameError: the name is not of that form.
    """
    rule, slash, source = name.removeprefix(prefix).partition("/")
    if not (name.startswith(prefix) and slash and RULE.fullmatch(rule) and _SOURCE.fullmatch(source)):
        raise AlarmNameError(f"alarm {name!r} is not named {prefix}<rule>/<source>")
    return AlarmName(rule, source)
