"""Knows of providers what the API must not carry: SDKs, keys, prices. Answers while somebody waits."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from backstay import config
from backstay.costs.quotes import Questions
from backstay.llm.process import guards, switchboard
from backstay.llm.routes import Route
from backstay.settings import Environment

from .quoting import quote
from .trial import try_route

if TYPE_CHECKING:
    from backstay.llm.guards import Guards


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes them
    """Call `{"provider": …, "model": …}` once, and answer a `backstay.trial.Trial` as JSON; or answer `Questions` of
    `backstay.costs.quotes` without a call.
    """
    if "quotes" in event:
        return quote(Questions.model_validate(event), config.load()).model_dump(mode="json")
    table = Environment.read().guards_table
    in_a_stage = cast("Guards", guards())  # there is a table for them
    trial = try_route(Route(event["provider"], event["model"]), switchboard(), in_a_stage, table)
    return trial.model_dump(mode="json")
