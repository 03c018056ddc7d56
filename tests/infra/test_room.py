"""A stack that is full says so before anything is deployed."""

from typing import Any

import pytest

from infra.room import LIMIT, NEAR, NoRoomError, warning_of


def _of(count: int) -> dict[str, Any]:
    return {"Resources": {f"R{number}": {} for number in range(count)}}


def test_a_stack_with_room_says_nothing() -> None:
    assert warning_of("Ours", _of(NEAR)) is None


def test_a_stack_that_is_nearly_full_says_what_to_do() -> None:
    for count in (NEAR + 1, LIMIT):
        assert "infra/stage.py" in (warning_of("Ours", _of(count)) or "")


def test_a_stack_that_is_full_is_refused_with_what_to_do() -> None:
    with pytest.raises(NoRoomError, match=r"Ours has 501 resources.*infra/stage\.py"):
        warning_of("Ours", _of(LIMIT + 1))
