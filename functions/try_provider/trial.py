"""One tiny call of a provider, past breaker, rate and cache, but not past the budgets."""

import time
from typing import TYPE_CHECKING

from backstay.clock import utc_now
from backstay.errors import BackstayError, ErrorClass, WorkError
from backstay.llm.activity import activity
from backstay.llm.errors import LLMError
from backstay.llm.routes import Route, Switchboard
from backstay.receipt import Call
from backstay.trial import LONGEST_S, Trial

if TYPE_CHECKING:
    from backstay.llm.guards import Guards

_QUESTION = "Answer with the one word: ok"
_MOST_TOKENS = 64


def try_route(route: Route, board: Switchboard, guards: "Guards", guards_table: str) -> Trial:
    """Make the call; whatever goes wrong is the answer. Its provider's budget and the whole pay for it."""
    board.distrust(route)  # the key may have been set a moment ago
    began = time.monotonic()
    try:
        call = _ask(route, board, guards)
    except LLMError as error:
        activity.note_failure(route.provider)
        trial = _failed(route, error, error.failure.error_class, began)
    except WorkError as error:
        trial = _failed(route, error, error.failure.error_class, began)
    except BackstayError as error:
        trial = _failed(route, error, None, began)
    else:
        activity.note_answer(call)
        trial = _answered(route, call)
    activity.add(guards_table, utc_now())
    return trial


def _ask(route: Route, board: Switchboard, guards: "Guards") -> Call:
    from backstay.llm.calling import money_for
    from backstay.llm.prices import price, require_price
    from backstay.llm.request import Message, Request

    settings = board.settings
    board.usable([str(route)])
    require_price(settings, route.provider, route.model)
    request = Request((Message("user", _QUESTION),), max_output_tokens=_MOST_TOKENS, temperature=0)
    timeout_s = min(LONGEST_S, settings.providers[route.provider].timeout_s)
    provider = board.provider(route)
    with guards.paid(money_for(settings, request, route, timeout_s)) as paid:
        began = time.monotonic()
        usage = provider.ask(request, route.model, timeout_s).usage
        cost_usd, _ = price(settings, route.provider, route.model, usage)
        paid.took(usage, cost_usd)
    latency_ms = _ms_since(began)
    return Call(route.provider, route.model, usage.input_tokens, usage.output_tokens, latency_ms, cost_usd)


def _failed(route: Route, error: BackstayError, error_class: ErrorClass | None, began: float) -> Trial:
    return Trial(
        provider=route.provider,
        model=route.model,
        ok=False,
        message=str(error),
        error_class=error_class,
        latency_ms=_ms_since(began),
        input_tokens=0,
        output_tokens=0,
        cost_usd=None,
    )


def _answered(route: Route, call: Call) -> Trial:
    return Trial(
        provider=route.provider,
        model=route.model,
        ok=True,
        message=f"{route} answered in {call.latency_ms} ms",
        error_class=None,
        latency_ms=call.latency_ms,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cost_usd=call.cost_usd,
    )


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
