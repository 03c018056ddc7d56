"""moto, one request at a time: its transactions copy all tables, and fall over writes that come meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.dynamodb.responses import DynamoHandler


@contextmanager
def in_turn() -> Iterator[None]:
    """DynamoDB answers so inside."""
    lock, answer = threading.RLock(), DynamoHandler.call_action

    def answer_in_turn(handler: DynamoHandler) -> Any:
        with lock:
            return answer(handler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "call_action", answer_in_turn)
        yield
