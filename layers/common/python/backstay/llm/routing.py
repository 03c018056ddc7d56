"""One question along its routes: `decision` says what follows from each failure, this carries it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import ValidationError

from backstay.errors import ErrorClass, Failure, WorkError
from backstay.llm.calling import Caller
from backstay.llm.context import first_that_fits
from backstay.llm.decision import AskAgain, End, Failover, Repair, Standing, blame, left, next_step
from backstay.llm.errors import LLMError
from backstay.llm.remedies import FOR_A_USELESS_ANSWER
from backstay.llm.request import Message, Request
from backstay.llm.routes import Route
from backstay.llm.windows import window_of
from backstay.receipt import FailedRoute

T = TypeVar("T")

_FAULTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a request in one size or several, the largest first, and the routes that may answer it."""

    request: Request
    sizes: tuple[tuple[Message, ...], ...]
    routes: tuple[Route, ...]

    def in_size(self, size: int) -> Request:
        """The request with the messages of one size."""
        return replace(self.request, messages=self.sizes[size])


@dataclass(frozen=True, slots=True)
class Got(Generic[T]):
    """What a route answered, as text and as what it was read to be."""

    route: Route
    request: Request
    """In the size that was sent, without a repair."""
    text: str
    value: T


class Tour(Generic[T]):
    """The way of one question along its routes."""

    def __init__(self, asked: Asked, caller: Caller, read: Callable[[str], T]) -> None:
        self._asked, self._caller, self._read = asked, caller, read
        windows = tuple(window_of(caller.board.settings, r) if len(asked.sizes) > 1 else None for r in asked.routes)
        self._standing = Standing(windows, len(asked.sizes), size=self.first_size(0, windows))
        self._errors: list[WorkError] = []

    def first_size(self, route: int, windows: Sequence[int | None]) -> int:
        """The largest size that a route takes by estimate."""
        return first_that_fits(self._asked.sizes, windows[route], self._asked.request.max_output_tokens)

    def planned(self) -> list[tuple[Route, Request]]:
        """Each route, and the request that it would be sent first."""
        windows = self._standing.windows
        sizes = (self.first_size(number, windows) for number in range(len(windows)))
        return [(route, self._asked.in_size(size)) for route, size in zip(self._asked.routes, sizes, strict=True)]

    def go(self) -> Got[T]:
        """The first answer that will do.

        Raises:
            LLMError: no route gave one; its class says what becomes of the job.
            WorkError: so, and for another reason than the providers'.
        """
        asked_now = self._asked.in_size(self._standing.size)
        while True:
            standing = self._standing
            route = self._asked.routes[standing.route]
            text, unfit = "", None
            try:
                text = self._caller.call(asked_now, route, len(self._asked.routes) - standing.route)
                return Got(route, self._asked.in_size(standing.size), text, self._read(text))
            except ValidationError as error:
                unfit = error
                failed: WorkError = _unfit(error, route, repaired=standing.repaired)
            except WorkError as error:
                failed = self._blamed(error)
            match self._next(failed, repairable=unfit is not None):
                case Repair() if unfit is not None:
                    asked_now = repair_of(asked_now, text, unfit)
                case End(failure):
                    raise self._ended(failed, failure) from None  # pydantic's own message would quote the answer
                case _:
                    asked_now = self._asked.in_size(self._standing.size)

    def _blamed(self, error: WorkError) -> WorkError:
        failure = blame(self._standing, error.failure)
        if failure is error.failure:
            return error
        return LLMError(failure.error_class, failure.message, retry_after_s=failure.retry_after_s)

    def _next(self, failed: WorkError, *, repairable: bool) -> AskAgain | Repair | Failover | End:
        failure, standing = failed.failure, self._standing
        if failure.error_class is ErrorClass.CONTEXT_LENGTH:
            windows = tuple(window_of(self._caller.board.settings, route) for route in self._asked.routes)
            standing = replace(standing, windows=windows)
        step = next_step(standing, failure, repairable=repairable)
        match step:
            case AskAgain(size):
                standing = replace(standing, size=size)
            case Repair():
                standing = replace(standing, repaired=True, unfit=failure)
            case Failover(route):
                self._errors.append(failed)
                given_up = FailedRoute(str(self._asked.routes[self._standing.route]), failure.error_class.value)
                self._caller.failed_over_from += (given_up,)
                standing = replace(left(standing, failure, route), size=self.first_size(route, standing.windows))
            case End():
                pass
        self._standing = standing
        return step

    def _ended(self, last: WorkError, deciding: Failure) -> WorkError:
        if not self._errors:
            return last
        others = [
            error.failure.message
            for error in (*self._errors, last)
            if error.failure.message != deciding.message  # what a decision changes is only the wait
        ]
        message = f"{deciding.message} (no other route helped: {'; '.join(others)})" if others else deciding.message
        return LLMError(deciding.error_class, message, retry_after_s=deciding.retry_after_s, budget=deciding.budget)


def repair_of(request: Request, text: str, error: ValidationError) -> Request:
    """The question once more, with the answer that won't do and why."""
    faults = "\n".join(f"- {fault}" for fault in faults_of(error))
    ask = f"That answer does not fit the schema:\n{faults}\nAnswer again, with these mended and the rest unchanged."
    turns = (*request.messages, Message("assistant", text), Message("user", ask))
    return replace(request, messages=turns)


def faults_of(error: ValidationError) -> list[str]:
    """What is wrong with an answer, by field, without quoting it."""
    details = error.errors(include_url=False, include_input=False, include_context=False)[:_FAULTS_SHOWN]
    return [f"{'.'.join(str(part) for part in detail['loc']) or 'the whole'}: {detail['msg']}" for detail in details]


def _unfit(error: ValidationError, route: Route, *, repaired: bool) -> LLMError:
    after = ", after a repair too" if repaired else ""
    faults = "; ".join(faults_of(error))
    message = f"the answer does not fit its model{after}: {faults}; {FOR_A_USELESS_ANSWER}"
    return LLMError(ErrorClass.INVALID_OUTPUT, message, route=str(route))
