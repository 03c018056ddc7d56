"""What runs share with one another: properties that others have given a run, with a version."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backstay.jobs.payloads import pack, to_json, unpack

SHARED_PART = "shared"


@dataclass(frozen=True, slots=True)
class SharedState:
    """One run's. Version 0 is nothing yet."""

    version: int = 0
    properties: Mapping[str, Any] = field(default_factory=dict)

    def with_merged(self, properties: Mapping[str, Any]) -> "SharedState":
        """The next version: objects are merged into one another, anything else is replaced."""
        return SharedState(self.version + 1, _merged(self.properties, properties))

    def item(self, run_id: str) -> dict[str, Any]:
        """As it is kept."""
        return {"id": run_id, "part": SHARED_PART, "version": self.version, "state": pack(to_json(self.properties))}


def shared_in(item: Mapping[str, Any] | None) -> SharedState:
    """What `item` wrote; version 0 where nothing is kept."""
    return SharedState(item["version"], json.loads(unpack(item["state"]))) if item else SharedState()


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        merged[name] = _merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return merged
