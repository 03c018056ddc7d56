"""Every hour: what is left of providers' credit, as metrics that alarms watch. Whoever can be paid again goes on."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from backstay import config
from backstay.llm.api_keys import read_secret
from backstay.settings import Environment

from .checking import Checking


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes them
    """Check once; answers what was found, which also stands in the metrics and in `GET /api/providers`."""
    checked = _checking().check()
    return {
        one.provider: {
            "remaining_usd": str(one.state.balance.remaining_usd) if one.state.balance else None,
            "failures_in_a_row": one.state.failures_in_a_row,
            "problem": one.state.problem,
        }
        for one in checked
    }


@cache
def _checking() -> Checking:
    return Checking(config.load(), Environment.read().guards_table, read_secret)
