"""Tries a provider while somebody waits: the API's function asks, and knows neither SDKs nor keys."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from backstay.llm.process import switchboard
from backstay.llm.routes import Route
from backstay.settings import Environment

from .trial import try_route


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes them
    """Call `{"provider": …, "model": …}` once; answers a `backstay.trial.Trial` as JSON."""
    trial = try_route(Route(event["provider"], event["model"]), switchboard(), Environment.read().guards_table)
    return trial.model_dump(mode="json")
