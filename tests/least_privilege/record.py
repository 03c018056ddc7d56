"""Which grants were seen at work: a file that is kept, and what puts new ones into it."""

import json
from collections.abc import Iterable
from pathlib import Path

from tests.least_privilege.grants import Grant

_FILE = Path(__file__).with_name("exercised.json")


def read_exercised() -> frozenset[Grant]:
    """The grants that are on record."""
    kept = json.loads(_FILE.read_text(encoding="utf-8"))
    return frozenset(
        Grant(function, action, resource)
        for function, actions in kept.items()
        for action, resources in actions.items()
        for resource in resources
    )


def write_exercised(grants: Iterable[Grant]) -> None:
    """Put these on record, and nothing else."""
    kept: dict[str, dict[str, list[str]]] = {}
    for grant in sorted(grants):
        kept.setdefault(grant.function, {}).setdefault(grant.action, []).append(grant.resource)
    _FILE.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
