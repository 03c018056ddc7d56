"""Alarms of providers, and of the API that we provide: credit, what is answered, and how fast."""

from backstay.config import Config, CreditSettings
from infra.alarms import ABOVE, AT_LEAST, BELOW, STAYS, Alarms, Condition, plain
from infra.measures import of_api, ours

LOW, CRITICAL, UNKNOWN, SPENT = (
    "cost.credits_low",
    "cost.credits_critical",
    "cost.credits_unknown",
    "cost.high_daily_usage",
)
RATE_LIMIT, FAILING, SLOW = "api.rate_limit", "api.high_error_rate", "api.slow_response"

_AN_HOUR = 60  # between checks


def watch_credit(alarms: Alarms, provider: str, credit: CreditSettings) -> None:
    """Tell when a provider's credit runs low, when much is spent in a day, and when nobody knows."""
    watch_what_is_left(alarms, provider, credit)
    _watch_use(alarms, provider, credit)


def watch_what_is_left(alarms: Alarms, provider: str, credit: CreditSettings) -> None:
    """Tell when a provider's credit runs low, whether it tells of it or what was bought is counted down."""
    remaining = ours("CreditsRemaining", "Minimum", Provider=provider)
    for rule, below in ((LOW, credit.warn_below_usd), (CRITICAL, credit.critical_below_usd)):
        text = f"Less than ${below} is left at {provider}: top it up"
        alarms.add(rule, provider, Condition(remaining, text, float(below), BELOW, STAYS, minutes=_AN_HOUR))


def _watch_use(alarms: Alarms, provider: str, credit: CreditSettings) -> None:
    spent, above = ours("CreditsUsedToday", "Maximum", Provider=provider), credit.warn_above_usd_a_day
    text = f"More than ${above} was spent at {provider} today: is that more work than usual, or dearer?"
    alarms.add(SPENT, provider, Condition(spent, text, float(above), ABOVE, STAYS, minutes=_AN_HOUR))
    failed, checks = ours("CreditChecksFailedInARow", "Maximum", Provider=provider), alarms.limit_of(UNKNOWN)
    text = f"{plain(checks)} checks of {provider}'s credit have failed in a row. See why: backstay providers ls"
    alarms.add(UNKNOWN, provider, Condition(failed, text, checks, AT_LEAST, STAYS, minutes=_AN_HOUR))


def watch_calls(alarms: Alarms, settings: Config) -> None:
    """Tell when a provider of models sends us away, fails, or is slow."""
    for provider in settings.providers:
        remedy = f"Lower [providers.{provider}.limits] to what your account has, or ask it for more"
        _watch_rate(alarms, provider, remedy)
        _watch_failures(alarms, provider)
        _watch_latency(alarms, provider)


def watch_hosts(alarms: Alarms, settings: Config) -> None:
    """Tell when a host that call-http may call sends us away."""
    for host in settings.outbound.allow_hosts:
        _watch_rate(alarms, host, "Lower the concurrency of task call-http, or ask it for more")


def _watch_rate(alarms: Alarms, provider: str, remedy: str) -> None:
    text = f"{provider} answers 429: we ask for more than it allows. {remedy}"
    alarms.add(RATE_LIMIT, provider, Condition(ours("RateLimited", "Sum", Provider=provider), text, 0))


def _watch_failures(alarms: Alarms, provider: str) -> None:
    limit = alarms.limit_of(FAILING)
    failed = ours("ModelCallFailed", "Average", Provider=provider)
    text = f"More than {plain(limit)} % of the calls of {provider} fail. See why: backstay providers ls"
    alarms.add(FAILING, provider, Condition(failed, text, limit, periods=2))


def _watch_latency(alarms: Alarms, provider: str) -> None:
    limit_s = alarms.limit_of(SLOW)
    took = ours("ModelCallTime", "p95", Provider=provider)
    text = (
        f"One in twenty answers of {provider} takes longer than {plain(limit_s)} s: ask for less output, or put a"
        " faster route first"
    )
    alarms.add(SLOW, provider, Condition(took, text, limit_s * 1000))


def watch_answers(alarms: Alarms, api_id: str) -> None:
    """Tell when too many requests to our own API end in an error of ours; API Gateway's own errors are among them."""
    limit = alarms.limit_of(FAILING)
    text = f"More than {plain(limit)} % of the requests to the API fail with 5xx; the log of function api says why"
    failed = of_api(api_id, "5xx", "Average")  # every request counts 0 or 1
    alarms.add(FAILING, "http-api", Condition(failed, text, limit / 100, periods=2))
