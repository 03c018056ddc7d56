"""One question from beginning to end: what was answered before, to this job or another, and else the routes."""

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from backstay.llm.cache import AnswerCache, Fresh
from backstay.llm.cache_key import Scope, key_of
from backstay.llm.call_metrics import call_metrics
from backstay.llm.calling import Caller
from backstay.llm.complexity import Tier, TieredRoutes, choose_routes
from backstay.llm.process import answer_cache, guards, switchboard
from backstay.llm.recent_answers import CachedAnswer
from backstay.llm.replay import Kept
from backstay.llm.request import Form, Message, Request
from backstay.llm.routes import Switchboard
from backstay.llm.routing import Asked, Got, Tour
from backstay.llm.schema import strict, without_limits
from backstay.llm.use import CachePolicy, ModelUse
from backstay.receipt import Call
from backstay.running import Job, current_job

_AROUND_A_FORM = 600
"""Tokens of the text that a provider adds for a tool: 313 to 346 at Anthropic (docs: tool use, pricing), and slack."""

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Question:
    """What a task asks, before anybody has looked at routes."""

    request: Request
    sizes: tuple[tuple[Message, ...], ...]
    """The messages to send, from all of them to the fewest."""
    routes: Sequence[str] | None
    """None: the task's, or those of backstay.toml."""
    cache: CachePolicy | bool | None
    """None or True: as the task has it."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """An answer, and what it took."""

    value: T
    calls: tuple[Call, ...]
    """The last one gave the answer. Those before it were of no use, and paid for all the same."""
    cache_keys: tuple[str, ...] = ()
    """Where the answer stands in the cache, if it does: one for each route that may have given it."""

    @property
    def cached(self) -> bool:
        """Whether it came from the cache, for nothing."""
        return self.calls[-1].cached

    @property
    def input_tokens(self) -> int:
        """Of the call that gave it."""
        return self.calls[-1].input_tokens

    @property
    def output_tokens(self) -> int:
        """Of the call that gave it."""
        return self.calls[-1].output_tokens


def reply_in_text(question: Question) -> Reply[str]:
    """Ask for text. Errors as `complete`."""
    return _Answering(question, str).reply()


def reply_in_form(question: Question, output: type[Model]) -> Reply[Model]:
    """Ask for what fits a model. Errors as `complete`."""
    request = replace(question.request, form=form_of(output))
    return _Answering(replace(question, request=request), output.model_validate_json).reply()


@functools.cache
def form_of(output: type[BaseModel]) -> Form:
    """The schema of a model in each provider's dialect, worked out once."""
    schema = output.model_json_schema()
    form = Form(
        name=output.__name__,
        description=schema.get("description", f"The answer as {output.__name__}."),
        schema=schema,
        strict_schema=strict(schema),
        bare_schema=without_limits(schema),
    )
    longest = max(len(json.dumps(said)) for said in (form.schema, form.strict_schema, form.bare_schema))
    return replace(form, most_tokens=longest + len(form.description.encode()) + _AROUND_A_FORM)


class _Answering(Generic[T]):
    """One question of one job."""

    def __init__(self, question: Question, read: Callable[[str], T]) -> None:
        self._question, self._read = question, read
        self._job = current_job.get()
        self._board = switchboard()
        self._caller = Caller(self._board, guards(), self._job)
        self._cache_keys: tuple[str, ...] = ()

    def reply(self) -> Reply[T]:
        """From an earlier run of the job, from what was asked shortly before, or from a model."""
        if self._job is None:
            return self._replied(self._tour().go().value)
        log, digest = self._job.call_log, self._question.request.digest()
        number = log.next_number()
        kept = log.recall(number)
        if kept and (earlier := Kept.decode(kept)).digest == digest:
            self._caller.account(*earlier.calls)
            return self._replied(self._read(earlier.text))
        text, value = self._ask(self._job)
        log.keep(number, Kept(digest, text, tuple(self._caller.calls)).encode())
        return self._replied(value)

    def _ask(self, job: Job) -> tuple[str, T]:
        policy = _policy_of(self._question, job)
        tour = self._tour()
        if policy is None:
            got = tour.go()
            return got.text, got.value
        return self._ask_once(job, tour, Scope(job.tenant, job.task, policy), answer_cache())

    def _ask_once(self, job: Job, tour: Tour[T], scope: Scope, cache: AnswerCache) -> tuple[str, T]:
        keys = [key_of(scope, str(route), request) for route, request in tour.planned()]
        self._cache_keys = tuple(keys)
        got: list[Got[T]] = []

        def ask() -> Fresh:
            got.append(tour.go())
            return self._to_keep(scope, got[0])

        answer, is_cached = cache.answer(keys, job, ask)
        call_metrics.looked_up(answer.provider, found=is_cached)
        if not is_cached:
            return got[0].text, got[0].value
        try:
            value = self._read(answer.text)
        except ValidationError:  # the model has learned to check more since
            got.append(tour.go())
            return got[-1].text, got[-1].value
        self._caller.account(_free(answer))
        return answer.text, value

    def _tour(self) -> Tour[T]:
        routes = self._board.usable(routes_for(self._question, self._job, self._board))
        return Tour(Asked(self._question.request, self._question.sizes, routes), self._caller, self._read)

    def _to_keep(self, scope: Scope, got: Got[T]) -> Fresh:
        call = self._caller.calls[-1]
        answer = CachedAnswer(
            provider=call.provider,
            model=call.model,
            text=got.text,
            input_tokens=call.input_tokens,
            output_tokens=call.output_tokens,
            cached_tokens=call.cached_tokens,
            cost_usd=call.cost_usd,
        )
        return Fresh(key_of(scope, str(got.route), got.request), answer)

    def _replied(self, value: T) -> Reply[T]:
        return Reply(value, tuple(self._caller.calls), self._cache_keys)


def _policy_of(question: Question, job: Job) -> CachePolicy | None:
    """How the answer may be used again: as the call says, else as its task does; None: not at all."""
    if question.cache is False:
        return None
    return question.cache if isinstance(question.cache, CachePolicy) else job.model_use.cache


def routes_for(question: Question, job: Job | None, board: Switchboard) -> Sequence[str]:
    """The routes of the call, else of its task, else of backstay.toml; the latter two may differ by complexity."""
    if question.routes is not None:
        return question.routes
    own, everybodys = job.model_use if job else ModelUse(), board.settings.routes
    tiers = {Tier(tier): routes for tier, routes in everybodys.tiers}
    return choose_routes(
        question.request.messages[-1].content,
        TieredRoutes(own.routes, own.tiers),
        TieredRoutes(everybodys.default, tiers),
    )


def _free(answer: CachedAnswer) -> Call:
    return Call(
        provider=answer.provider,
        model=answer.model,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        latency_ms=0,
        cost_usd=Decimal(0),
        cached_tokens=answer.cached_tokens,
        cached=True,
        saved_usd=answer.cost_usd or Decimal(0),
    )
