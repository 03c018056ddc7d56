"""Answers that a job has paid for, as text in its call log: a later run of the job gets them without paying again."""

import dataclasses
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backstay.receipt import Call, FailedRoute

_AMOUNTS = ("cost_usd", "quantity", "saved_usd")


@dataclass(frozen=True, slots=True)
class Kept:
    """What one question was answered, and the calls that it took."""

    digest: str
    """Of the request: a run of newer code may ask something else under the same number."""
    text: str
    calls: tuple[Call, ...]

    def encode(self) -> str:
        """As text for the call log."""
        calls = [dataclasses.asdict(call) for call in self.calls]
        return json.dumps({"digest": self.digest, "text": self.text, "calls": calls}, default=str)

    @classmethod
    def decode(cls, encoded: str) -> "Kept":
        """From text of the call log; its calls are marked as replayed."""
        data = json.loads(encoded)
        return cls(data["digest"], data["text"], tuple(_replayed(call) for call in data["calls"]))


def _replayed(call: dict[str, Any]) -> Call:
    amounts = {name: Decimal(str(call[name])) for name in _AMOUNTS if call.get(name) is not None}
    failed = tuple(FailedRoute(**one) for one in call.get("failed_over_from", ()))  # older answers don't tell
    return Call(**call | amounts | {"replayed": True, "failed_over_from": failed})
