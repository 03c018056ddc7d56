"""A thousand callers in sixteen processes spend from budgets within budgets, and processes are killed over and over."""

import os
from decimal import Decimal

from bench.cloud import GUARDS
from bench.figures import Figure, Part
from bench.loopback import loopback
from bench.run import Run
from tests.spending.fleet import Found, Plan
from tests.spending.fleet import run as spend

PLAN = Plan(cap=Decimal(5), processes=16, callers=63, kills=12, kill_every=35)


def run(run: Run) -> list[Figure]:
    """On the emulator's DynamoDB, with conflicts, throttles, and writes that are made without an answer or later."""
    about = f"{PLAN.processes * PLAN.callers} callers spend ${PLAN.cap}"
    with loopback(), run.console.status(about):
        return figures(spend(PLAN, GUARDS.name, dict(os.environ)))


def figures(found: Found) -> list[Figure]:
    """What the provider billed, what the ledger says, and who was turned away."""
    return [
        Figure(
            "budget_callers", PLAN.processes * PLAN.callers, "callers",
            f"That spend from a cap of ${PLAN.cap} at once, in {PLAN.processes} processes.", at_least=1000,
            parts=(
                Part("calls billed", found.calls),
                Part("asked of the ledger", found.asked),
                Part("of these refused", found.refused),
                Part("transactions", found.writes, "a tenth of them troubled"),
            ),
        ),
        Figure(
            "budget_kills", found.kills, "processes", "Killed with SIGKILL at any moment, and replaced.", at_least=10,
        ),
        Figure(
            "budget_overrun_usd", float(found.overrun), "USD",
            "The most that was ever spent and reserved beyond a limit, in any scope.", at_most=0,
            parts=(
                Part("looks at all budgets", found.looks),
                Part("spent + reserved + left, off the limit by", float(found.astray)),
                Part("spent in the end", float(found.spent), f"of ${PLAN.cap}"),
            ),
        ),
        Figure(
            "budget_leaked_usd", float(found.leaked), "USD",
            "Still reserved in any budget after the last lease has lapsed and was swept.", at_most=0,
        ),
        Figure(
            "budget_false_refusals", len(found.false) / found.asked, "of the calls",
            "Turned away although what was spent and held by calls under way left enough for them.", at_most=0.01,
            parts=(Part("turned away so", len(found.false)), Part("asked", found.asked)),
            note="A call is under way until it is settled, alone or with its batch.",
        ),
        Figure(
            "budget_ledger_error_usd", float(found.error), "USD",
            "What is spent less what the provider billed, in any scope; uncertain calls at their most in both.",
            at_most=0,
            parts=(
                Part("spent, by the ledger", float(found.spent)),
                Part("billed, by the provider", float(found.billed)),
            ),
        ),
        Figure(
            "budget_uncertain_usd", float(found.uncertain), "USD",
            "Of calls that may have been charged: answers that never came, and what the killed held.",
            parts=(
                Part("calls", found.listed),
                Part("settled by the receipt of a killed process's job", found.settled_by_receipt),
            ),
        ),
    ]  # fmt: skip
