"""Two runs that hand resources to one another at once."""

from bench.cloud import WORKFLOWS, make_table
from bench.figures import Figure, Part
from bench.loopback import loopback
from bench.run import Run
from tests.handoffs import Handoffs, hand_to_and_fro

ROUNDS = 100


def run(run: Run) -> list[Figure]:
    """On the emulator, whose writes are atomic."""
    with loopback(), run.console.status(f"{ROUNDS} rounds"):
        make_table(WORKFLOWS)
        return figures(hand_to_and_fro(WORKFLOWS.name, "chaos", ROUNDS))


def figures(found: Handoffs) -> list[Figure]:
    """What became of the resources."""
    return [
        Figure(
            "handoff_lost", len(found.astray), "rounds",
            f"Of {ROUNDS}, those after which a resource was lost or there twice.", at_most=0,
            parts=(
                Part("handoffs made", found.moved),
                Part("handoffs refused", found.refused),
                *(Part("astray", 1, what) for what in found.astray),
            ),
        ),
    ]  # fmt: skip
