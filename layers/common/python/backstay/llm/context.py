"""What a chat tells the model: its bot's instructions and documents, what was said, and the message to answer. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backstay.llm.request import Message

CHARACTERS_PER_TOKEN = 4
"""A rough rule for shrinking, before the provider has counted."""
MOST_DOCUMENTS = 10
_LONGEST_MESSAGE = 200
_LONGEST_DOCUMENT = 5_000
_LONGEST_PRICING_DOCUMENT = 8_000
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Document:
    """Something that a bot knows. Documents of kind `pricing` are given more room."""

    title: str
    content: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a conversation is sent."""

    messages: int
    document_characters: int | None
    """None: as many as each kind of document is given; 0: no documents."""


ROOMS = (Room(10, None), Room(5, 500), Room(0, 0))
"""From all of it to the bare message; the next is taken where a model's window is too small (spec: context)."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat up to the message to answer. `history` is what was said before it, oldest first."""

    system: str
    documents: Sequence[Document]
    history: Sequence[Message]
    message: str

    def within(self, room: Room) -> tuple[Message, ...]:
        """The messages to send."""
        knowledge = _knowledge(relevant(self.documents, self.message), room.document_characters)
        system = "\n\n".join(part for part in (self.system, knowledge) if part)
        return (
            *([Message("system", system)] if system else []),
            *_recent(self.history, room.messages),
            Message("user", self.message),
        )

    def sizes(self) -> tuple[tuple[Message, ...], ...]:
        """The messages to send, from all of them to the fewest; each is smaller than the one before."""
        sizes: list[tuple[Message, ...]] = []
        for room in ROOMS:
            messages = self.within(room)
            if not sizes or messages != sizes[-1]:
                sizes.append(messages)
        return tuple(sizes)


def relevant(documents: Sequence[Document], message: str) -> tuple[Document, ...]:
    """At most ten documents, those that share most of the message's words; in the order in which they were given."""
    if len(documents) <= MOST_DOCUMENTS:
        return tuple(documents)
    wanted = _words(message)
    overlap = [len(wanted & _words(f"{document.title} {document.content}")) for document in documents]
    best = sorted(range(len(documents)), key=lambda number: -overlap[number])[:MOST_DOCUMENTS]
    return tuple(documents[number] for number in sorted(best))


def estimated_tokens(messages: Sequence[Message]) -> int:
    """About how many tokens these are."""
    return -(-sum(len(message.content) for message in messages) // CHARACTERS_PER_TOKEN)


def first_that_fits(sizes: Sequence[Sequence[Message]], window: int | None, output_tokens: int) -> int:
    """Which of the sizes to send first: the largest that fits into the window by estimate, else the smallest.

    Args:
        sizes: the messages to send, from all of them to the fewest.
        window: the model's, in tokens; None where nobody knows it.
        output_tokens: room to leave for the answer.
    """
    if window is None:
        return 0
    fits = (estimated_tokens(messages) + output_tokens <= window for messages in sizes)
    return next((number for number, fit in enumerate(fits) if fit), len(sizes) - 1)


def _recent(history: Sequence[Message], most: int) -> list[Message]:
    said = [Message(turn.role, turn.content[:_LONGEST_MESSAGE]) for turn in history if turn.content.strip()]
    recent = said[-most:] if most else []
    while recent and recent[0].role != "user":  # Anthropic's models take no conversation that they began
        recent.pop(0)
    return recent


def _knowledge(documents: Sequence[Document], characters: int | None) -> str:
    if characters == 0:
        return ""
    parts = [f"## {document.title}\n{document.content[: characters or _room_of(document)]}" for document in documents]
    return "\n\n".join(["# What you know", *parts]) if parts else ""


def _room_of(document: Document) -> int:
    return _LONGEST_PRICING_DOCUMENT if document.kind == "pricing" else _LONGEST_DOCUMENT


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
