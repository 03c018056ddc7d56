"""Our alerts at budgets' thresholds, over the emulator's DynamoDB and its stream."""

from dataclasses import replace
from pathlib import Path

import pytest

from backstay import aws
from backstay.settings import Environment
from bench.cloud import ALERTS, ENVIRONMENT, GUARDS, make_table
from cli.local.environment import aws_environment
from tests.contract.clouds import Cloud, unique
from tests.threshold_alerts import spend_and_follow

SPENDS = 300


def test_however_many_spend_at_once_and_follow_each_threshold_alerts_once(
    emulator: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENVIRONMENT, **aws_environment(str(emulator.endpoint_url), tmp_path)}.items():
        monkeypatch.setenv(name, value)
    aws.forget_clients()
    guards, alerts = replace(GUARDS, name=unique("guards"), has_stream=True), replace(ALERTS, name=unique("alerts"))
    for table in (guards, alerts):
        make_table(table)
    env = replace(Environment.read(), guards_table=guards.name, alerts_table=alerts.name)
    found = spend_and_follow(env, tmp_path, SPENDS, str(emulator.endpoint_url))
    assert found.records >= 2 * 5
    assert (found.missing, found.doubled) == ((), ())
