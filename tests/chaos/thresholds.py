"""Ten thousand calls that spend at once take budgets past their thresholds, while the ledger's stream is followed."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from backstay.settings import Environment
from bench.cloud import ALERTS, GUARDS, make_table
from bench.figures import Figure, Part
from bench.loopback import loopback
from bench.run import Run
from tests.threshold_alerts import Found, spend_and_follow

SPENDS = 10_000
STREAMED = replace(GUARDS, name="guards-with-stream", has_stream=True)


def run(run: Run) -> list[Figure]:
    """On the emulator, whose stream is read as Lambda reads it."""
    with (
        loopback(),
        run.console.status(f"{SPENDS} calls spend at once"),
        tempfile.TemporaryDirectory() as folder,
    ):
        for table in (STREAMED, ALERTS):
            make_table(table)
        env = replace(Environment.read(), guards_table=STREAMED.name)
        return figures(spend_and_follow(env, Path(folder), SPENDS, os.environ["AWS_ENDPOINT_URL"]))


def figures(found: Found) -> list[Figure]:
    """Which thresholds people were told of."""
    return [
        Figure(
            "threshold_alerts_missing", len(found.missing), "alerts",
            f"Of {found.expected}, one for each threshold, scope and window, those that nobody was told of.", at_most=0,
            parts=(
                Part("calls that spent", found.spends),
                Part("records of the stream", found.records, "each followed by three functions at once, some twice"),
                *(Part("missing", 1, what) for what in found.missing),
            ),
        ),
        Figure(
            "threshold_alerts_doubled", len(found.doubled), "alerts",
            "Alerts beyond one for each threshold, scope and window.", at_most=0,
            parts=tuple(Part("doubled", 1, what) for what in found.doubled),
        ),
    ]  # fmt: skip
