"""Asks the function that tries providers and knows their prices, and waits for what it says."""

import json
from collections.abc import Sequence
from decimal import Decimal

from backstay import aws
from backstay.config import Config
from backstay.costs.quotes import Question, Questions, Quotes
from backstay.telemetry import logger
from backstay.trial import FUNCTION, Trial

from .problems import Kind, Refusal
from .services import services


def model_to_try(settings: Config, provider: str) -> str | None:
    """The first model of the provider that a route or a price of backstay.toml names; None where none does."""
    tiers = settings.routes.tiers
    named = (*settings.routes.default, *tiers.low, *tiers.medium, *tiers.high, *settings.prices)
    return next((route.partition("/")[2] for route in named if route.partition("/")[0] == provider), None)


def ask_for_trial(provider: str, model: str) -> Trial:
    """What became of the one call.

    Raises:
        Refusal: the function crashed or ran out of time, which tells nothing of the provider.
        botocore.exceptions.ClientError: Lambda did not run it.
    """
    if secret := services().config.providers[provider].secret:
        services().key_places.forget(secret)  # who tries a provider may just have set its key
    return Trial.model_validate_json(_ask(json.dumps({"provider": provider, "model": model})))


def ask_for_quotes(questions: Sequence[Question]) -> Sequence[Decimal | None]:
    """What calls would cost. Raises as `ask_for_trial` does."""
    return Quotes.model_validate_json(_ask(Questions(quotes=tuple(questions)).model_dump_json())).usd


def _ask(question: str) -> bytes:
    name = services().env.function_prefix + FUNCTION
    answer = aws.awslambda_to_wait_for().invoke(FunctionName=name, Payload=question)
    if "FunctionError" in answer:
        logger().error("the function that knows of providers failed", extra={"function": name})
        raise Refusal(Kind.UNAVAILABLE, f"the function {name} did not come to an end; its log says why")
    return answer["Payload"].read()
