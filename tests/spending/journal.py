"""What happens in processes that may be killed at any moment: a file each, a line an event, written before going on."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Opened:
    """A lease is about to be written for the first time."""

    lease: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """One transaction. All times are monotonic seconds, of the one clock that the machine's processes share."""

    begin: float
    end: float
    refused: bool
    """For money's sake, or since a window has to be turned or a budget to be made."""
    done: bool
    """And known to be."""
    held: tuple[str, ...]
    """Reservations that its lease holds after it."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """A call has leave to be made."""

    at: float
    job_id: str
    provider: str
    name: str
    usd: Decimal
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """Whoever made the call has told what it cost, and has gone on. It is settled by then, or with its batch."""

    at: float
    name: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Turned:
    """A call was turned away."""

    decided: float
    error_class: str
    why: str
    usd: Decimal
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipted:
    """A job's receipt was stored, as its worker stores it with the result."""

    job_id: str
    prices: dict[str, Decimal]
    """By reservation."""


Event = Opened | Wrote | Reserved | Ended | Turned | Receipted
_KINDS = {kind.__name__: kind for kind in (Opened, Wrote, Reserved, Ended, Turned, Receipted)}


class Journal:
    """One process's."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / str(os.getpid()), os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def note(self, event: Event) -> None:
        """Once this returns, the line is there whatever becomes of the process."""
        line = json.dumps([type(event).__name__, asdict(event)], default=str)
        os.write(self._file, f"{line}\n".encode())

    @staticmethod
    def now() -> float:
        """Monotonic seconds."""
        return time.monotonic()


def events_of(folder: Path, process: int) -> list[Event]:
    """What a process has noted, in order; a line that its death cut off says nothing."""
    file = folder / str(process)
    text = file.read_text() if file.exists() else ""
    return list(map(_event, text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]))


def all_events(folder: Path) -> Iterator[Event]:
    """Of all processes, one after another."""
    for file in folder.iterdir():
        yield from events_of(folder, int(file.name))


def _event(line: str) -> Event:
    kind, said = json.loads(line)
    return _KINDS[kind](**{name: _value(name, value) for name, value in said.items()})


def _value(name: str, value: Any) -> Any:
    match name:
        case "usd":
            return Decimal(value)
        case "scopes" | "held":
            return tuple(value)
        case "prices":
            return {reservation: Decimal(usd) for reservation, usd in value.items()}
        case _:
            return value
