"""One turn of a conversation: what a user said, and what was answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from backstay.clock import epoch_ms, from_epoch_ms

Format = Literal["plain", "markdown", "whatsapp"]


@dataclass(frozen=True, slots=True)
class Answered:
    """How a turn was answered."""

    text: str
    at: datetime
    is_fallback: bool
    input_tokens: int
    output_tokens: int
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A user's message and its answer, if there is one yet."""

    session_id: str
    message_id: str
    user_id: str
    text: str
    format: Format
    at: datetime
    """When it was submitted, which orders a session's turns."""
    answered: Answered | None = None

    def to_body(self) -> dict[str, Any]:
        """As the table keeps it; what its key says is left out."""
        body: dict[str, Any] = {"user_id": self.user_id, "text": self.text, "format": self.format}
        if self.answered is None:
            return body
        reply = self.answered
        answered = {
            "text": reply.text,
            "at": epoch_ms(reply.at),
            "fallback": reply.is_fallback,
            "tokens": [reply.input_tokens, reply.output_tokens],
            "latency_ms": reply.latency_ms,
        }
        return {**body, "answered": answered}

    @classmethod
    def from_body(cls, session_id: str, message_id: str, at: datetime, body: dict[str, Any]) -> "Turn":
        """What `to_body` made."""
        kept = body.get("answered")
        answered = kept and Answered(
            text=kept["text"],
            at=from_epoch_ms(kept["at"]),
            is_fallback=kept["fallback"],
            input_tokens=kept["tokens"][0],
            output_tokens=kept["tokens"][1],
            latency_ms=kept["latency_ms"],
        )
        return cls(session_id, message_id, body["user_id"], body["text"], body["format"], at, answered)
