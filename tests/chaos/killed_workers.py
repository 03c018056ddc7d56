"""2,000 jobs on the embedded cloud while its worker processes are killed, its calls fail and its providers break."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from backstay.clock import utc_now
from bench.figures import Figure, Part
from bench.run import Run
from cli.aws import acting_as
from cli.local.environment import aws_environment
from tests.chaos import outage_hour
from tests.chaos.errands import Errands, Found, Plan
from tests.chaos.gate import ANSWER_TOKENS, Mode, gate
from tests.chaos.ground import ground
from tests.chaos.outage_hour import outlast
from tests.chaos.tasks.wait_out.task import SINCE, SPEED
from tests.chaos.troubled import Troubled, troubled
from tests.e2e.stack import Stack
from tests.receivers import receiver

TASKS = Path(__file__).parent / "tasks"
INPUT_USD, OUTPUT_USD = 10, 200
"""A million tokens."""
COST_USD = Decimal(ANSWER_TOKENS[0] * INPUT_USD + ANSWER_TOKENS[1] * OUTPUT_USD) / 1_000_000
TENANTS = ("acme", "beta", "corp", "poor")
POOR_USD = 100 * COST_USD
"""Enough for a fifth of its jobs; the others wait until the limit is raised."""
PLAN = Plan(
    jobs=2_000,
    kills=12,
    task="run-errand",
    tenants=TENANTS,
    scopes=("total", "provider:primary", "provider:secondary", *(f"tenant:{name}" for name in TENANTS)),
    cost_usd=COST_USD,
    harm_s=45,
    within_s=420,
)
CONFIG = """
[providers.primary]
kind = "compatible"
base_url = "{primary}/v1"
timeout_s = 3
concurrency = 100
[providers.primary.breaker]
reset_timeout_s = 3
[providers.secondary]
kind = "compatible"
base_url = "{secondary}/v1"
timeout_s = 3
concurrency = 100
[providers.secondary.breaker]
reset_timeout_s = 3
[providers.distant]
kind = "compatible"
base_url = "{distant}/v1"
timeout_s = 3
[routes]
default = ["primary/small", "secondary/small"]
[prices."primary/small"]
input = {input}
output = {output}
[prices."secondary/small"]
input = {input}
output = {output}
[prices."distant/small"]
input = 0
output = 0
[budgets.total]
daily = 100
[budgets.providers."*"]
daily = 50
[budgets.tenants."*"]
daily = 50
[budgets.tenants.poor]
daily = {poor}
"""


def run(run: Run) -> list[Figure]:
    """On a cloud of its own, whose functions reach AWS through what makes trouble; beside it another task outlasts an
    outage of an hour.
    """
    with gate() as primary, gate() as secondary, gate() as distant, receiver() as outside:
        primary.mode = secondary.mode = Mode.ANSWER
        urls = {"primary": primary.url, "secondary": secondary.url, "distant": distant.url}
        config = CONFIG.format(**urls, input=INPUT_USD, output=OUTPUT_USD, poor=POOR_USD)
        with (
            ground(run, config, and_tasks=TASKS) as stack,
            _ways(stack) as (way, variables),
            acting_as(aws_environment(stack.cloud.endpoint_url, TASKS)),
            run.progress("jobs", PLAN.jobs) as step,
            ThreadPoolExecutor(1) as beside,
        ):
            outlasting = beside.submit(outlast, stack, variables, distant)
            found = Errands(PLAN, stack, variables, (primary, secondary), outside, way, step).play()
            return [*figures(found), *outage_hour.figures(outlasting.result())]


def figures(found: Found) -> list[Figure]:
    """What came of it."""
    return [
        Figure(
            "chaos_jobs", found.jobs, "jobs", "That ran while everything broke.", at_least=PLAN.jobs,
            parts=(
                Part("until the last was done, s", round(found.took_s)),
                Part("that waited for money until a limit was raised", found.waited_for_money),
                Part("answers beyond one a job", found.paid_again, "paid for again after a worker had died with them"),
                Part("attempts beyond one a job", found.used_up),
                *(Part(f"calls to AWS {fate}", n) for fate, n in found.fates.items()),
                *(Part(f"jobs that last failed by {why}", n) for why, n in found.failures.items()),
            ),
        ),
        Figure(
            "chaos_kills", found.kills, "processes", "Workers that were killed with SIGKILL at any moment.",
            at_least=PLAN.kills,
        ),
        Figure(
            "chaos_lost", sum(found.lost.values()), "jobs", "That did not complete, or without their effect.",
            at_most=0, parts=tuple(Part(where, n) for where, n in found.lost.items()),
        ),
        Figure(
            "chaos_doubled", found.doubled, "effects",
            "That a receiver which honours Idempotency-Key saw more than once.", at_most=0,
        ),
        Figure(
            "chaos_overspent_usd", float(max(found.overrun, found.untold, found.unfounded)), "USD",
            "Beyond a limit, or by which the ledger and the bill differ beyond what is listed as uncertain.", at_most=0,
            parts=(
                Part("beyond a limit, at any look", float(found.overrun)),
                Part("billed, and not in the ledger", float(found.untold)),
                Part("in the ledger, and neither billed nor uncertain", float(found.unfounded)),
                Part("spent, by the ledger", float(found.spent)),
                Part("billed, by the providers", float(found.billed)),
                Part("uncertain", float(found.uncertain)),
            ),
        ),
        Figure(
            "chaos_leaked_usd", float(found.leaked), "USD",
            "Still reserved in any budget after the leases of the killed were settled.", at_most=0,
        ),
    ]  # fmt: skip


@contextmanager
def _ways(stack: Stack) -> Iterator[tuple[Troubled, Mapping[str, str]]]:
    """All functions but the API reach AWS by a way on which calls come to grief, and that of the hour's outage by one
    that is in a hurry. Answers the former, and what the worker's environment was.
    """
    with troubled(stack.cloud.endpoint_url) as way, troubled(stack.cloud.endpoint_url) as fast_way:
        fast_way.weather.is_calm, fast_way.speed = True, outage_hour.SPEED
        hurry = {"AWS_ENDPOINT_URL": fast_way.url, SPEED: str(outage_hour.SPEED), SINCE: utc_now().isoformat()}
        variables: Mapping[str, str] = {}
        for name, env in _functions(stack):
            more = hurry if name.endswith(f"-{outage_hour.TASK}") else {"AWS_ENDPOINT_URL": way.url}
            stack.client("lambda").update_function_configuration(
                FunctionName=name, Environment={"Variables": {**env, **more}}
            )
            variables = env if name.endswith(f"-{PLAN.task}") else variables
        yield way, variables


def _functions(stack: Stack) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Name and environment of ours, but for the API's."""
    for page in stack.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name, env = function["FunctionName"], function.get("Environment", {}).get("Variables", {})
            if "BACKSTAY_STAGE" in env and not name.endswith("-api"):
                yield name, env
