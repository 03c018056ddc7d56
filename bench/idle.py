"""What stands idle, itemised by the month: read off the template that would be deployed."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import prices
from bench.cloud import ROOT
from bench.figures import Figure, Part, itemised
from bench.run import Run

NAMES = ("usd_idle_month",)
STAGE = "prod"
SECRETS = 2
"""A provider's API key, and the webhook secret of one API key; each further one adds its price."""
SWEEP_S, SWEEP_EVERY_S = 0.5, 300
"""An idle sweep looks at each task's index and dead letter queue; its reads are far below a cent."""

Template = Mapping[str, Any]


def measure(run: Run) -> list[Figure]:
    """Synthesise the stack of this repository, and price what it holds."""
    with run.progress("what stands idle", 1) as step:
        parts = parts_of(synthesised())
        step()
    return [figure(parts)]


def figure(parts: tuple[Part, ...]) -> Figure:
    """The figure of these parts."""
    return itemised(
        "usd_idle_month", "USD", f"A month in which nothing happens, stage {STAGE}, at list prices.",
        parts,
        note="Pollers and alarms grow with the number of queues.",
    )  # fmt: skip


def synthesised() -> Template:
    """The templates of this repository's stacks, as one."""
    import infra.app  # puts Node on the path, which the CDK starts when it is imported

    # isort: split
    from aws_cdk import App

    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as out:
        app = App(outdir=out, context=context | {"stage": STAGE, "layer_platform": "host"})
        infra.app.build(app)
        app.synth()
        templates = {file.name: json.loads(file.read_text()) for file in Path(out).glob("*.template.json")}
        return {
            "Resources": {
                f"{name}/{logical_id}": resource
                for name, template in templates.items()
                for logical_id, resource in template["Resources"].items()
            }
        }


def parts_of(template: Template) -> tuple[Part, ...]:
    """What each kind of thing costs by the month while nothing happens."""
    polled = [
        mapping for mapping in _of_type(template, "AWS::Lambda::EventSourceMapping") if "ScalingConfig" in mapping
    ]
    polls = len(polled) * prices.POLLS_OF_AN_IDLE_QUEUE
    alarms, keys = len(_of_type(template, "AWS::CloudWatch::Alarm")), len(_of_type(template, "AWS::KMS::Key"))
    dashboards = len(_of_type(template, "AWS::CloudWatch::Dashboard"))
    charged = max(0, dashboards - prices.FREE_DASHBOARDS)
    sweeps = prices.MONTH_S // SWEEP_EVERY_S
    sweep = sweeps * (prices.LAMBDA_REQUEST + SWEEP_S * 0.5 * prices.LAMBDA_GB_SECOND)
    return (
        Part("event source pollers", polls * prices.SQS_REQUEST, f"{len(polled)} queues, {polls:,} empty receives"),
        Part("alarms", alarms * prices.ALARM_MONTH, f"{alarms} of standard resolution"),
        Part("dashboards", charged * prices.DASHBOARD_MONTH, f"{dashboards}; an account's first three are free"),
        Part("keys", keys * prices.KMS_KEY_MONTH, f"{keys} customer key"),
        Part("secrets", SECRETS * prices.SECRET_MONTH, "one provider's API key, one webhook secret"),
        Part("sweeper", sweep, f"{sweeps:,} runs of {SWEEP_S:g} s"),
        Part("tables, bucket, API, functions, stream", 0.0, "on demand: nothing while nothing happens"),
    )


def _of_type(template: Template, kind: str) -> list[dict[str, Any]]:
    return [found.get("Properties", {}) for found in template["Resources"].values() if found["Type"] == kind]
