"""One call on one route: its deadline, its price, the call itself, its line in the receipt, the check of its ending."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import cast

from backstay.budgets.entry import Ask
from backstay.budgets.scope import counts_of, scopes_of
from backstay.config import Config
from backstay.errors import ErrorClass
from backstay.llm.activity import activity
from backstay.llm.call_metrics import call_metrics
from backstay.llm.call_spans import call_span, told_of
from backstay.llm.decision import share_s
from backstay.llm.errors import LLMError
from backstay.llm.guards import Admitted, Asking, Guards
from backstay.llm.prices import most_usd, price, require_price
from backstay.llm.remedies import FOR_A_USELESS_ANSWER
from backstay.llm.request import Answer, Finish, Request
from backstay.llm.routes import Route, Switchboard
from backstay.receipt import Call, FailedRoute
from backstay.resilience.window import Priority
from backstay.running import HAND_BACK_S, Job

_SHORTEST_CALL_S = 1.0


@dataclass(slots=True)
class Caller:
    """Makes the calls of one question, and keeps their account."""

    board: Switchboard
    guards: Guards | None
    job: Job | None
    calls: list[Call] = field(default_factory=list)
    """Every answered one, whatever its answer is worth."""
    failed_over_from: tuple[FailedRoute, ...] = ()
    """Routes that were given up so far."""

    def call(self, request: Request, route: Route, routes_left: int) -> str:
        """The text that a route answers.

        Args:
            request: what to ask.
            route: whom.
            routes_left: how many share the time that the job has left; this one counted.

        Raises:
            LLMError: there is no answer that ended as it should, or no price for one.
            WorkError: a guard refused the call, or the provider's key can't be read.
        """
        require_price(self.board.settings, route.provider, route.model)
        provider = self.board.provider(route)
        timeout_s = time_for_call(self.job, self.board.settings.providers[route.provider].timeout_s, routes_left, route)
        asked = time.monotonic()
        try:
            with self._admitted(request, route, timeout_s) as admitted:
                began = time.monotonic()  # the guards may have waited for their table: that is of the route's time
                with call_span(self.board.settings.providers[route.provider].kind, route, request) as spoken:
                    answer = provider.ask(request, route.model, max(_SHORTEST_CALL_S, timeout_s - (began - asked)))
                    call = self._priced(route, answer, round((time.monotonic() - began) * 1000))
                    spoken.attributes |= told_of(call, answer)
                if admitted:
                    call = replace(call, reservation=admitted.reservation)
                    admitted.took(answer.usage, call.cost_usd)
        except LLMError as error:
            activity.note_failure(route.provider)
            call_metrics.failed(route.provider, route.model, error.failure.error_class)
            if error.failure.error_class is ErrorClass.AUTH:
                self.board.distrust(route)
            raise
        activity.note_answer(call)
        call_metrics.answered(call)
        self.account(call)
        return accept(answer, str(route), request.max_output_tokens)

    def _admitted(self, request: Request, route: Route, lasts_s: float) -> AbstractContextManager[Admitted | None]:
        return self.guards.admitted(self._asking(request, route, lasts_s)) if self.guards else nullcontext()

    def _asking(self, request: Request, route: Route, lasts_s: float) -> Asking:
        job = self.job
        priority = cast("Priority", job.priority) if job else "normal"
        money = money_for(self.board.settings, request, route, lasts_s, job)
        return Asking(
            route.provider, route.model, request.most_tokens, lasts_s, priority, money if money.amounts else None
        )

    def _priced(self, route: Route, answer: Answer, latency_ms: int) -> Call:
        usage = answer.usage
        cost_usd, version = price(self.board.settings, route.provider, route.model, usage)
        return Call(
            provider=route.provider,
            model=route.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            latency_ms=latency_ms,
            cost_usd=cost_usd,
            cached_tokens=usage.cached_tokens,
            price_version=version,
            failed_over_from=self.failed_over_from,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            service=usage.service,
        )

    def account(self, *calls: Call) -> None:
        """Put calls into the receipt."""
        self.calls.extend(calls)
        if self.job is not None:
            self.job.calls.extend(calls)


def money_for(settings: Config, request: Request, route: Route, lasts_s: float, job: Job | None = None) -> Ask:
    """The most that a call can take of budgets and quotas; what costs nothing asks for no money."""
    scopes = scopes_of(route.provider, tenant=job.tenant, task=job.task, key_id=job.key_id) if job else None
    usd = most_usd(settings, route.provider, route.model, request)
    counts = counts_of(route.provider, settings.budgets, requests=1, tokens=request.most_tokens)
    payers = scopes or scopes_of(route.provider)
    return Ask(usd, payers if usd else (), lasts_s, job.id if job else None, counts)


def time_for_call(job: Job | None, most_s: float, routes_left: int, route: Route) -> float:
    """Seconds that a call may take: the provider's limit, and no more than the route's share of what the job has left.

    Raises:
        LLMError: the job has too little time for any call.
    """
    if job is None:
        return most_s
    left_s = job.remaining_s - HAND_BACK_S
    if left_s < _SHORTEST_CALL_S:
        raise LLMError(
            ErrorClass.TIMEOUT, f"the job has {job.remaining_s:.1f} s left, too little for a call", route=str(route)
        )
    return min(most_s, share_s(left_s, routes_left, _SHORTEST_CALL_S))


def accept(answer: Answer, route: str, max_output_tokens: int) -> str:
    """The text of an answer that ended as it should.

    Raises:
        LLMError: it is empty, was cut off, refused, or ended for a reason that we don't know.
    """
    match answer.finish:
        case Finish.COMPLETE if not answer.text.strip():
            raise LLMError(ErrorClass.INVALID_OUTPUT, f"the answer is empty; {FOR_A_USELESS_ANSWER}", route=route)
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
