"""Every step of a saga meets everything that may go wrong with it, all side by side."""

from collections.abc import Sequence

from backstay.config import FILE_NAME
from bench.figures import Figure, Part
from bench.run import Run
from cli.local.state import REPOSITORY
from tests.chaos.ground import ground
from tests.matrix.cases import every_case
from tests.matrix.effects import doubled, effects_of
from tests.matrix.trial import Verdict, try_all
from tests.receivers import receiver

_WITHIN_S = 600


def run(run: Run) -> list[Figure]:
    """Every case once."""
    cases = tuple(every_case())
    config = (REPOSITORY / FILE_NAME).read_text()
    with ground(run, config, with_tests_own=True) as stack, receiver() as outside:
        with run.console.status(f"{len(cases)} runs of a saga"):
            verdicts = try_all(stack, outside, cases, _WITHIN_S)
        effects = effects_of(outside.received)
    return figures(verdicts, doubled(effects), len(effects))


def figures(verdicts: Sequence[Verdict], too_many: int, effects: int) -> list[Figure]:
    """How the cases came out."""
    failed = [verdict for verdict in verdicts if verdict.complaints]
    return [
        Figure("saga_matrix_cases", len(verdicts), "runs", "Every step, and everything that may go wrong with it."),
        Figure(
            "saga_matrix_failures", len(failed), "runs",
            "In another state at the end, or not undone in reverse, what is uncertain too.",
            at_most=0,
            parts=tuple(Part(verdict.case.name, 1, "; ".join(verdict.complaints)) for verdict in failed),
        ),
        Figure(
            "saga_effects_doubled", too_many, "effects",
            "That a receiver which honours Idempotency-Key saw more than once.", at_most=0,
            parts=(Part("effects in all", effects),),
        ),
    ]  # fmt: skip
