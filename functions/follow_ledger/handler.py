"""The guards table's stream, as far as it is of budgets: alerts at thresholds, waking, metrics."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from backstay import config
from backstay.catalog import Catalog
from backstay.settings import Environment

from .following import LedgerFollower


def handler(event: Mapping[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda passes it
    """Follow one batch. Whatever fails raises: the stream brings the same batch again."""
    _follower().follow(event["Records"])


@cache
def _follower() -> LedgerFollower:
    from backstay.alerts.alerting import alerting

    env = Environment.read()
    catalog = Catalog(Path(os.environ["LAMBDA_TASK_ROOT"]))
    return LedgerFollower(env, config.load(), catalog, alerting(env).take)
