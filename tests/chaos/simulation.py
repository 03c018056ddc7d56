"""Ten thousand seeds of the simulation (`make test` runs the first three hundred), and a death at every call."""

from bench.figures import Figure, Part
from bench.run import Run
from tests.simulation.elsewhere import Simulated, crash_everywhere, simulate

SEEDS, PROCESSES = 10_000, 2
_AT_ONCE = 1000


def run(run: Run) -> list[Figure]:
    """Part by part."""
    with run.progress("simulations", SEEDS // _AT_ONCE) as step:
        found = []
        for first in range(0, SEEDS, _AT_ONCE):
            found.append(simulate(_AT_ONCE, first=first, processes=PROCESSES))
            step()
    return figures(found)


def figures(found: list[Simulated]) -> list[Figure]:
    """How many there were, and what went wrong in them."""
    complaints = [part for part in found if part.complaints]
    return [
        Figure(
            "simulation_seeds", sum(part.seeds for part in found), "seeds",
            "Simulations of the job path, each harmed in another way.", at_least=SEEDS,
            parts=(
                Part("jobs", sum(part.jobs for part in found)),
                Part("calls to the outside", sum(part.calls for part in found)),
                Part("of these harmed", sum(part.harmed for part in found)),
            ),
        ),
        Figure(
            "simulation_violations", sum(len(part.complaints) for part in found), "violations",
            "Of what must hold at every write and at the end.", at_most=0,
            parts=tuple(Part(part.told, len(part.complaints)) for part in complaints),
        ),
    ]  # fmt: skip


def run_crashes(_: Run) -> list[Figure]:
    """For jobs with one question and with three, and for a run of a saga."""
    found = crash_everywhere()
    return [
        Figure(
            "crash_points", found.points, "deaths",
            "Of the process, right before and right after every call that goes out on a job's way.", at_least=80,
            parts=(Part("between a question that is sent and its answer that is stored", found.inside),),
        ),
        Figure(
            "crash_points_wrong", len(found.wrong), "deaths",
            "After which an answer was paid twice, or in that window more than twice or without being listed as "
            "uncertain, or the job or the ledger was not right.",
            at_most=0,
            parts=tuple(Part(what, 1) for what in found.wrong),
        ),
    ]  # fmt: skip
