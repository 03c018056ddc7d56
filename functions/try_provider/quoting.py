"""What calls would cost, for those who carry no prices."""

from decimal import Decimal

from backstay.config import Config
from backstay.costs.quotes import Question, Questions, Quotes
from backstay.llm.prices import price
from backstay.llm.request import Usage
from backstay.llm.routes import Route


def quote(asked: Questions, settings: Config) -> Quotes:
    """A price for each, or None. Asks no provider."""
    return Quotes(usd=tuple(_usd(question, settings) for question in asked.quotes))


def _usd(question: Question, settings: Config) -> Decimal | None:
    route = Route.parse(question.route)
    if route.provider not in settings.providers:
        return None
    usage = Usage(
        question.input_tokens,
        question.output_tokens,
        cached_tokens=question.cached_tokens,
        cache_write_tokens=question.cache_write_tokens,
    )
    return price(settings, route.provider, route.model, usage)[0]
