"""Every case, by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.figures import Figure
from bench.run import Run
from tests.chaos import (
    bad_providers,
    budgets,
    fleet_limit,
    handoffs,
    killed_workers,
    mutants,
    outage,
    sagas,
    simulation,
    thresholds,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of harm."""

    about: str
    """What is done, in a sentence."""
    run: Callable[[Run], list[Figure]]


CASES: Mapping[str, Case] = {
    "crashes": Case("a worker dies right before and right after every call of a job's way", simulation.run_crashes),
    "simulation": Case("ten thousand seeds think of what may befall jobs, on simulated time", simulation.run),
    "bad-providers": Case(
        "providers fail 500 jobs in every way that llmock knows, with its quotas on", bad_providers.run
    ),
    "outage": Case("a provider is down for a minute, failing and then hanging, while jobs come in", outage.run),
    "killed-workers": Case(
        "2,000 jobs while workers are killed, calls to AWS fail and providers break; an outage of an hour",
        killed_workers.run,
    ),
    "sagas": Case("whatever may go wrong befalls every step of a saga, and every undo", sagas.run),
    "fleet-limit": Case("500 callers in eight processes want more than a provider's limits allow", fleet_limit.run),
    "budgets": Case("a thousand callers spend at once, and their processes are killed over and over", budgets.run),
    "thresholds": Case("ten thousand calls spend at once past every threshold of their budgets", thresholds.run),
    "handoffs": Case("two runs hand resources to one another at once, a hundred times", handoffs.run),
    "mutants": Case("known bugs are put back one at a time, and a test must notice each", mutants.run),
}


class UnknownCaseError(Exception):
    """There is no case of this name."""


def chosen(only: str | None) -> Mapping[str, Case]:
    """The case of this name, or all.

    Raises:
        UnknownCaseError: lists the cases that there are.
    """
    if only is None:
        return CASES
    if only not in CASES:
        raise UnknownCaseError(f"there is no case {only!r}; the cases are {', '.join(CASES)}")
    return {only: CASES[only]}
