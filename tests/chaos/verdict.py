"""llmock's verdict on its client, and the one thing in it that llmock can't see: a repair that gave way to its
question.

llmock knows calls by their bodies. Where an answer does not fit, the question is sent once more with that answer and
why it won't do; if this repair is turned away for now, the job waits and then asks its question anew. To llmock the
repair is a call of its own, which was given up.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import Part

Json = dict[str, Any]
_TURNS_OF_A_REPAIR = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What llmock has found, and the requests that it is about."""

    findings: Sequence[Json]
    requests: Sequence[Json]

    def errors(self) -> list[Json]:
        """What must not happen."""
        return [finding for finding in self.findings if finding["severity"] == "error"]

    def warnings(self) -> list[Json]:
        """What should not, but for repairs whose question was asked anew."""
        return [one for one in self._warned() if not self._was_asked_anew(one)]

    def asked_anew(self) -> list[Json]:
        """Repairs that gave way to their question."""
        return [one for one in self._warned() if self._was_asked_anew(one)]

    def _warned(self) -> Iterator[Json]:
        return (finding for finding in self.findings if finding["severity"] == "warning")

    def _was_asked_anew(self, finding: Json) -> bool:
        if finding["code"] != "gave_up":
            return False
        given_up = next(one for one in self.requests if one["seq"] == finding["requests"][-1])
        question = _turns(given_up)[:-_TURNS_OF_A_REPAIR]
        later = (one for one in self.requests if one["started_at"] > given_up["ended_at"])
        return bool(question) and any(
            (one["path"], one["model"], _turns(one)) == (given_up["path"], given_up["model"], question) for one in later
        )


def parts_of(findings: Sequence[Json]) -> tuple[Part, ...]:
    """How often each, and what llmock says of it."""
    said = {finding["code"]: f"{finding['path']}: {finding['title']}" for finding in findings}
    return tuple(Part(code, n, said[code]) for code, n in Counter(one["code"] for one in findings).items())


def _turns(request: Json) -> list[Json]:
    body = request["body"]
    turns: list[Json] = body.get("messages", []) if isinstance(body, dict) else []
    return turns
