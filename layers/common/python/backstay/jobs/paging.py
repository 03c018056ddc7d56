"""Pages of lists that an index orders: filtered, at a bounded cost, each leading on to the next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from backstay.errors import BackstayError
from backstay.jobs.indexes import Entry

T = TypeVar("T")

LONGEST_PAGE = 100
_MOST_ROUNDS = 5
"""Index pages that one answer may read when it filters; a cursor leads on from there."""


class InvalidCursorError(BackstayError):
    """The cursor is not one that a page brought."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """Some of a list, and where the next page begins; no cursor, no next page."""

    entries: tuple[T, ...]
    cursor: str | None


def read_page(
    entries_before: Callable[[str | None, int], Sequence[Entry]],
    load: Callable[[Sequence[Entry]], Mapping[str, T]],
    admits: Callable[[T], bool],
    cursor: str | None,
    limit: int,
) -> Found[T]:
    """One page, newest first.

    Args:
        entries_before: reads so many index entries before a position.
        load: what the entries stand for, by id; what is gone is left out.
        admits: whether something is in the list.
        cursor: from the page before.
        limit: entries at most.

    Raises:
        InvalidCursorError: the cursor is not one that a page brought.
    """
    check_cursor(cursor)
    limit = max(1, min(LONGEST_PAGE, limit))
    found: list[T] = []
    for _ in range(_MOST_ROUNDS):
        entries = entries_before(cursor, limit)
        loaded = load(entries)
        for entry in entries:
            cursor = entry.position
            if (one := loaded.get(entry.id)) is not None and admits(one):
                found.append(one)
            if len(found) == limit:
                return Found(tuple(found), cursor)
        if len(entries) < limit:
            return Found(tuple(found), None)
    return Found(tuple(found), cursor)


def check_cursor(cursor: str | None) -> None:
    """See to it that a cursor could be one.

    Raises:
        InvalidCursorError: it could not.
    """
    if cursor is not None and "~" not in cursor:
        raise InvalidCursorError(f"cursor {cursor!r} is not one that a page brought; leave it out to begin anew")
