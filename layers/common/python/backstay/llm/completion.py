"""One question from beginning to end: replay, route, call, receipt, and the check of what came back."""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from backstay.errors import ErrorClass
from backstay.llm.errors import LLMError
from backstay.llm.prices import price
from backstay.llm.providers import Provider
from backstay.llm.replay import Kept
from backstay.llm.request import Answer, Finish, Form, Message, Request
from backstay.llm.routes import Route, Switchboard, switchboard
from backstay.llm.schema import strict, without_limits
from backstay.receipt import Call
from backstay.running import Job, current_job

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)

HAND_BACK_S = 2.0
"""What a worker needs to record a job after its call has failed, in seconds."""
_SHORTEST_CALL_S = 1.0
_FAULTS_SHOWN = 10


def answer_text(request: Request, routes: Sequence[str] | None) -> str:
    """Ask for text. Errors as `complete`."""
    return _Question(request, routes).settle(_read_text)


def answer_request(request: Request, output: type[Model], routes: Sequence[str] | None) -> Model:
    """Ask for what fits a model. Errors as `complete`."""
    return _Question(replace(request, form=form_of(output)), routes).settle(output.model_validate_json)


@functools.cache
def form_of(output: type[BaseModel]) -> Form:
    """The schema of a model in each provider's dialect, worked out once."""
    schema = output.model_json_schema()
    return Form(
        name=output.__name__,
        description=schema.get("description", f"The answer as {output.__name__}."),
        schema=schema,
        strict_schema=strict(schema),
        bare_schema=without_limits(schema),
    )


class _Question:
    """One question of one job, with the calls that it took so far."""

    def __init__(self, request: Request, routes: Sequence[str] | None) -> None:
        self._request, self._routes = request, routes
        self._job = current_job.get()
        self._calls: list[Call] = []

    def settle(self, read: Callable[[str], T]) -> T:
        """The answer, from an earlier run of the job or from a model, with one repair."""
        if self._job is None:
            return self._ask_and_read(read)[1]
        number, digest = self._job.call_log.next_number(), self._request.digest()
        kept = self._job.call_log.recall(number)
        if kept and (earlier := Kept.decode(kept)).digest == digest:
            self._job.calls.extend(earlier.calls)
            return read(earlier.text)
        text, value = self._ask_and_read(read)
        self._job.call_log.keep(number, Kept(digest, text, tuple(self._calls)).encode())
        return value

    def _ask_and_read(self, read: Callable[[str], T]) -> tuple[str, T]:
        board = switchboard()
        route, provider = board.first(self._routes)
        text = self._ask(self._request, board, route, provider)
        try:
            return text, read(text)
        except ValidationError as error:
            text = self._ask(repair_of(self._request, text, error), board, route, provider)
        try:
            return text, read(text)
        except ValidationError as error:
            faults = "; ".join(faults_of(error))
            raise LLMError(
                ErrorClass.INVALID_OUTPUT,
                f"the answer does not fit its model, after a repair too: {faults}",
                route=str(route),
            ) from None  # pydantic's own message would quote the answer

    def _ask(self, request: Request, board: Switchboard, route: Route, provider: Provider) -> str:
        timeout_s = time_for_call(self._job, board.settings.providers[route.provider].timeout_s, str(route))
        began = time.monotonic()
        try:
            answer = provider.ask(request, route.model, timeout_s)
        except LLMError as error:
            if error.failure.error_class is ErrorClass.AUTH:
                board.distrust(route)
            raise
        self._record(board, route, answer, latency_ms=round((time.monotonic() - began) * 1000))
        return accept(answer, str(route), request.max_output_tokens)

    def _record(self, board: Switchboard, route: Route, answer: Answer, latency_ms: int) -> None:
        usage = answer.usage
        cost_usd, version = price(board.settings, route.provider, route.model, usage)
        call = Call(
            provider=route.provider,
            model=route.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            latency_ms=latency_ms,
            cost_usd=cost_usd,
            cached_tokens=usage.cached_tokens,
            price_version=version,
        )
        self._calls.append(call)
        if self._job is not None:
            self._job.calls.append(call)  # paid for, whatever the answer is worth


def time_for_call(job: Job | None, most_s: float, route: str) -> float:
    """Seconds that a call may take: the provider's limit, and no more than the running job has left.

    Raises:
        LLMError: the job has too little time for any call.
    """
    if job is None:
        return most_s
    left_s = job.remaining_s - HAND_BACK_S
    if left_s < _SHORTEST_CALL_S:
        raise LLMError(
            ErrorClass.TIMEOUT, f"the job has {job.remaining_s:.1f} s left, too little for a call", route=route
        )
    return min(most_s, left_s)


def accept(answer: Answer, route: str, max_output_tokens: int) -> str:
    """The text of an answer that ended as it should.

    Raises:
        LLMError: it was cut off, refused, or ended for a reason that we don't know.
    """
    match answer.finish:
        case Finish.COMPLETE:
            return answer.text
        case Finish.TRUNCATED:
            message = f"the answer was cut off at {max_output_tokens} tokens; raise max_output_tokens"
            raise LLMError(ErrorClass.INVALID_OUTPUT, message, route=route)
        case Finish.CONTEXT_FULL:
            raise LLMError(ErrorClass.CONTEXT_LENGTH, "the answer ran into the end of the context window", route=route)
        case Finish.REFUSED:
            raise LLMError(ErrorClass.MODERATION, f"refused: {answer.detail[:200]}", route=route)
        case Finish.UNKNOWN:
            message = f"the answer ended with the unknown finish reason {answer.detail[:50]!r}"
            raise LLMError(ErrorClass.SERVER, message, route=route)


def repair_of(request: Request, text: str, error: ValidationError) -> Request:
    """The question once more, with the answer that won't do and why."""
    faults = "\n".join(f"- {fault}" for fault in faults_of(error))
    ask = f"That answer does not fit the schema:\n{faults}\nAnswer again, with these mended and the rest unchanged."
    turns = (*request.messages, Message("assistant", text or "(empty)"), Message("user", ask))
    return replace(request, messages=turns)


def faults_of(error: ValidationError) -> list[str]:
    """What is wrong with an answer, by field, without quoting it."""
    details = error.errors(include_url=False, include_input=False, include_context=False)[:_FAULTS_SHOWN]
    return [f"{'.'.join(str(part) for part in detail['loc']) or 'the whole'}: {detail['msg']}" for detail in details]


def _read_text(text: str) -> str:
    return text
