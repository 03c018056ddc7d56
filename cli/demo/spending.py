"""What the demo may spend at a real provider: worked out before anything is sent, and never more than the cap."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backstay.config import Config
from cli.local.providers import RealProvider
from cli.problems import ExitCode, Problem

CAP_USD = Decimal("0.25")

_CALLS_PER_JOB = 3 * 2  # attempts, each with one call that mends an answer which doesn't fit
_OUTPUT_TOKENS = 1024  # what llm.complete asks for at most, unless told otherwise
_PROMPT_BYTES = 12_000  # instructions, schema, and in a mending call the answer that didn't fit
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal

    def most_for(self, work: Mapping[str, Any]) -> Decimal:
        """The most that a job with this input can cost. No token is shorter than a byte."""
        tokens_in = _PROMPT_BYTES + 2 * len(str(dict(work)).encode())
        per_call = (tokens_in * self.input + _OUTPUT_TOKENS * self.output) / _MILLION
        return per_call * _CALLS_PER_JOB


def price_of(real: RealProvider, base: Config) -> Price:
    """What the provider asks for its model; nothing for a server on this machine.

    Raises:
        Problem: nobody knows the price.
    """
    if stated := base.prices.get(real.route):
        return Price(stated.input, stated.output)
    if real.is_on_this_machine:
        return Price(Decimal(0), Decimal(0))
    from genai_prices import Usage, calc_price

    try:
        provider = {"provider_api_url": real.base_url} if real.base_url else {"provider_id": real.kind}
        bought = [
            calc_price(usage, real.model, **provider).total_price
            for usage in (Usage(input_tokens=_MILLION), Usage(output_tokens=_MILLION))
        ]
    except LookupError as error:
        remedy = f'add its price: [prices."{real.route}"] in backstay.toml'
        raise Problem(f"nobody knows what {real.route} costs", remedy, ExitCode.USAGE) from error
    return Price(*bought)


def affordable(works: Iterable[tuple[str, Mapping[str, Any]]], price: Price) -> tuple[frozenset[str], Decimal]:
    """Of scenarios by name with their inputs, in order, those that surely cost less than the cap; and their most."""
    chosen: set[str] = set()
    total = Decimal(0)
    for name, work in works:
        most = price.most_for(work)
        if total + most <= CAP_USD:
            chosen.add(name)
            total += most
    return frozenset(chosen), total
