"""What befalls calls to the outside: each is late by itself, and may be harmed on its way there or back."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.memory.refusals import refusal
from tests.simulation.clockwork import Process, current_process, later, now, sleep


class Fate(StrEnum):
    """What becomes of one try of a call."""

    WELL = "well"
    DIES_BEFORE = "dies before"
    """The process ends before it has called."""
    DIES_AFTER = "dies after"
    """It was done, and the process never learns of it."""
    THROTTLED = "throttled"
    LOST = "lost"
    """It was done, and the answer is that it took too long."""
    LATE = "late"
    """The answer is the same, and it is done after that."""
    STALLS = "stalls"
    """It goes out when whoever made it may have lost its lease."""
    CONFLICT = "conflict"
    """Of a transaction: another was under way."""


DEATHS = (Fate.DIES_BEFORE, Fate.DIES_AFTER)


class Fates(Protocol):
    """Decides."""

    def of(self, label: str, what: str) -> Fate:
        """What becomes of the next try of a call to `service.operation`, on what it names."""
        ...


@dataclass
class Seeded:
    """By chance, until it has been enough."""

    luck: random.Random
    share: float
    """Of all tries that are harmed."""
    until: float
    """Seconds since the simulation began."""

    def of(self, label: str, what: str) -> Fate:
        if now() >= self.until or self.luck.random() >= self.share:
            return Fate.WELL
        if label.startswith("outside."):
            return self.luck.choice(_TO_EFFECTS)
        return self.luck.choice(_TO_TRANSACTIONS if label.endswith("transact_write_items") else _TO_ANY)


_TO_ANY = (Fate.DIES_BEFORE, Fate.DIES_AFTER, Fate.THROTTLED, Fate.LOST, Fate.LATE, Fate.STALLS, Fate.STALLS)
_TO_TRANSACTIONS = (*_TO_ANY, Fate.CONFLICT, Fate.CONFLICT)
_TO_EFFECTS = (Fate.DIES_BEFORE, Fate.DIES_AFTER, Fate.THROTTLED, Fate.LOST)
_TRIES = {"guards": 2}
"""Of a call, as `backstay.aws` sets botocore to; of any other client 4."""
_READ_TIMEOUT_S = {"guards": 2.0}
_STALL_S = (60.0, 130.0)
"""Longer than some leases of jobs, and shorter than others."""
_CONFLICT = "TransactionCanceledException"


@dataclass
class Line:
    """Everything that goes out of processes goes through here, and into the trace."""

    fates: Fates
    luck: random.Random
    trace: list[str] = field(default_factory=list)
    writers: list[Process | None] = field(default_factory=list)
    """Whose call is being done, while it is done."""

    @property
    def writer(self) -> Process | None:
        """Whose call is being done."""
        return self.writers[-1] if self.writers else current_process()

    def call(self, client: str, operation: str, function: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        """Call, as a process of ours does it through botocore: what may have failed on its way is tried again."""
        tries = _TRIES.get(client, 4)
        for left in reversed(range(tries)):
            try:
                return self._try(client, operation, function, request)
            except (ClientError, ReadTimeoutError) as error:
                if not left or not _is_worth_another_try(error):
                    raise
                sleep(self.luck.uniform(0.05, 0.5))
        raise AssertionError("a call ends with its last try")

    def note(self, text: str) -> None:
        """Add a line to the trace."""
        process = current_process()
        self.trace.append(f"{now():10.3f} {process.name if process else 'world':12} {text}")

    def _try(self, client: str, operation: str, function: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        process = current_process()
        if process is None:
            return function(**request)
        sleep(self.luck.uniform(0.001, 0.03))
        label = f"{client}.{operation}"
        what = _what(request)
        fate = self.fates.of(label, what)
        self.note(f"{label} {what} {fate}")
        self._before(fate, process, label, lambda: self._do_late(process, function, request), request)
        try:
            answer = self._do(process, function, request)
        except ClientError as error:
            self.note(f"{label} refused: {error.response['Error']['Code']}")
            if fate is Fate.DIES_AFTER:
                process.die()
            raise
        if fate is Fate.DIES_AFTER:
            process.die()
        if fate is Fate.LOST:
            _wait_in_vain(label)
        sleep(self.luck.uniform(0.001, 0.02))
        return answer

    def _before(
        self, fate: Fate, process: Process, label: str, do_late: Callable[[], None], request: Mapping[str, Any]
    ) -> None:
        """What befalls a call on its way there."""
        match fate:
            case Fate.DIES_BEFORE:
                process.die()
            case Fate.THROTTLED:
                raise refusal("dynamodb", label, "ThrottlingException")
            case Fate.CONFLICT:
                reasons = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
                raise refusal("dynamodb", label, _CONFLICT, CancellationReasons=reasons)
            case Fate.LATE:
                later(self.luck.choice((0.2, 2.0, 5.0, self.luck.uniform(*_STALL_S))), do_late)
                _wait_in_vain(label)
            case Fate.STALLS:
                sleep(self.luck.uniform(*_STALL_S))

    def _do(self, process: Process | None, function: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        self.writers.append(process)
        try:
            return function(**request)
        finally:
            self.writers.pop()

    def _do_late(self, process: Process, function: Callable[..., Any], request: Mapping[str, Any]) -> None:
        try:
            self._do(process, function, request)
        except ClientError as error:
            self.note(f"a late call of {process.name} is refused: {error.response['Error']['Code']}")
        else:
            self.note(f"a late call of {process.name} is done: {_what(request)}")


class Client:
    """A client whose calls go through the line."""

    def __init__(self, name: str, behind: Any, line: Line) -> None:
        self._name, self._behind, self._line = name, behind, line

    @property
    def exceptions(self) -> Any:
        return self._behind.exceptions

    def get_paginator(self, operation: str) -> Any:
        pages = self._behind.get_paginator(operation)
        pages._query = getattr(self, operation)  # so that each page is a call
        return pages

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        function = getattr(self._behind, operation)

        def call(**request: Any) -> Any:
            return self._line.call(self._name, operation, function, request)

        self.__dict__[operation] = call
        return call


def _wait_in_vain(label: str) -> None:
    sleep(_READ_TIMEOUT_S.get(label.partition(".")[0], 10.0))
    raise ReadTimeoutError(endpoint_url=label)


def _is_worth_another_try(error: Exception) -> bool:
    """As botocore sees it."""
    return isinstance(error, ReadTimeoutError) or (
        isinstance(error, ClientError) and error.response["Error"]["Code"] == "ThrottlingException"
    )


def _what(request: Mapping[str, Any]) -> str:
    """A call's object, for the trace."""
    if items := request.get("TransactItems"):
        return " ".join(sorted(_what(what) for one in items for what in one.values()))
    key = request.get("Key") or request.get("Item") or {}
    if isinstance(key, Mapping):
        found = [value["S"] for name in ("id", "part", "key") if (value := key.get(name)) and "S" in value]
        if found:
            return "/".join(found)
    for name in ("QueueUrl", "Name", "Key", "IndexName"):
        if isinstance(request.get(name), str):
            return str(request[name]).rsplit("/", 1)[-1]
    return str(request.get("TableName", ""))
