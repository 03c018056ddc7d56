"""One tiny call of a provider, past breaker, rate and cache."""

import time
from typing import TYPE_CHECKING

from backstay.clock import utc_now
from backstay.errors import BackstayError, ErrorClass, WorkError
from backstay.llm.activity import activity
from backstay.llm.routes import Route, Switchboard
from backstay.receipt import Call
from backstay.trial import LONGEST_S, Trial

if TYPE_CHECKING:
    from backstay.llm.request import Answer

_QUESTION = "Answer with the one word: ok"
_MOST_TOKENS = 64


def try_route(route: Route, board: Switchboard, guards_table: str) -> Trial:
    """Make the call; whatever goes wrong is the answer. What it cost counts as the provider's, and as no job's."""
    board.distrust(route)  # the key may have been set a moment ago
    began = time.monotonic()
    try:
        answer = _ask(route, board)
    except WorkError as error:
        activity.note_failure(route.provider)
        trial = _failed(route, error, error.failure.error_class, began)
    except BackstayError as error:
        trial = _failed(route, error, None, began)
    else:
        trial = _answered(route, answer, board, began)
    activity.add(guards_table, utc_now())
    return trial


def _ask(route: Route, board: Switchboard) -> "Answer":
    from backstay.llm.request import Message, Request

    board.usable([str(route)])
    request = Request((Message("user", _QUESTION),), max_output_tokens=_MOST_TOKENS, temperature=0)
    timeout_s = min(LONGEST_S, board.settings.providers[route.provider].timeout_s)
    return board.provider(route).ask(request, route.model, timeout_s)


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


def _answered(route: Route, answer: "Answer", board: Switchboard, began: float) -> Trial:
    from backstay.llm.prices import price

    usage, latency_ms = answer.usage, _ms_since(began)
    cost_usd, _ = price(board.settings, route.provider, route.model, usage)
    call = Call(route.provider, route.model, usage.input_tokens, usage.output_tokens, latency_ms, cost_usd)
    activity.note_answer(call)
    unpriced = "" if cost_usd is not None else f', but nobody has priced it: add [prices."{route}"] to backstay.toml'
    return Trial(
        provider=route.provider,
        model=route.model,
        ok=True,
        message=f"{route} answered in {latency_ms} ms{unpriced}",
        error_class=None,
        latency_ms=latency_ms,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=cost_usd,
    )


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
