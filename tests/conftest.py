"""What holds for every test: no verdict depends on how fast the machine is."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@dataclass
class Bus:
    """The account's default bus, as far as our own events go; it keeps them."""

    details: list[dict[str, Any]] = field(default_factory=list)
    is_down: bool = False

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - the service's name
        if self.is_down:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "down"}]}
        self.details += [json.loads(entry["Detail"]) for entry in Entries]
        return {"FailedEntryCount": 0}

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Rule, source and kind of each."""
        return [(detail["rule"], detail["source"], detail["kind"]) for detail in self.details]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    """What people are told in stage `test`."""
    from backstay import aws

    made = Bus()
    monkeypatch.setattr(aws, "events", lambda: made)
    monkeypatch.setenv("BACKSTAY_STAGE", "test")
    return made
