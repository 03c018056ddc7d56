"""What a story's model call costs on a stage, by the backstay.toml of this checkout."""

from collections.abc import Collection
from decimal import Decimal

from backstay.config import FILE_NAME
from cli.aws_check.costs import ModelPrice
from cli.local.providers import read_base
from cli.local.state import REPOSITORY
from cli.problems import ExitCode, Problem

_MILLION = 1_000_000


def price_of_stories(configured: Collection[str]) -> ModelPrice | None:
    """The price of the first route whose provider is configured on the stage; None where none is.

    Raises:
        Problem: nobody knows that price.
    """
    config = read_base(REPOSITORY / FILE_NAME)
    route = next((route for route in config.routes.default if route.partition("/")[0] in configured), None)
    if route is None:
        return None
    if stated := config.prices.get(route):
        return ModelPrice(route, stated.input, stated.output)
    provider, _, model = route.partition("/")
    into, out = (_asked(config.providers[provider].kind, model, side) for side in ("input_tokens", "output_tokens"))
    return ModelPrice(route, into, out)


def _asked(kind: str, model: str, side: str) -> Decimal:
    from genai_prices import Usage, calc_price

    try:
        return calc_price(Usage(**{side: _MILLION}), model, provider_id=kind).total_price
    except LookupError as error:
        remedy = f'add its price: [prices."{kind}/{model}"] in backstay.toml'
        raise Problem(f"nobody knows what {kind}/{model} costs", remedy, ExitCode.USAGE) from error
