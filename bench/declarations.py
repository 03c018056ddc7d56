"""How long a saga's declaration is, and how long the state machine that comes of it."""

import ast
import json
from collections.abc import Iterable
from pathlib import Path

from backstay.catalog import Catalog
from backstay.config import Config
from backstay.workflows.saga import Saga
from bench.cloud import FUNCTIONS, ROOT
from bench.figures import Figure, Part
from bench.run import Run

NAMES = ("saga_lines",)
BOUND = 20
SAGA, STEPS = "launch-campaign", 4
SAGAS = ROOT / "infra" / "sagas"
_DELIVERING = {"campaigns": {"delivery_url": "https://example.com/d", "cancel_url": "https://example.com/c"}}
"""Where nobody delivers, the saga has a step less."""


class OtherSagaError(Exception):
    """The saga has other than four steps, so that its lines are no measure of four."""


def measure(run: Run) -> list[Figure]:
    """Count the lines of the app's own saga."""
    with run.progress("lines of a saga", 1) as step:
        lines = figure()
        step()
    machine = lines.parts[-1]
    run.console.print(f"{SAGA}: {lines.value:g} lines declare what is {machine.value:g} lines of state machine")
    return [lines]


def figure() -> Figure:
    """The figure.

    Raises:
        OtherSagaError: the saga has no longer four steps.
    """
    from infra.sagas_folder import SagasFolder
    from infra.state_machine import Ground, state_machine

    catalog, settings = Catalog(FUNCTIONS), Config.model_validate(_DELIVERING)
    saga = next(saga for saga in SagasFolder(SAGAS).sagas(settings) if saga.name == SAGA)
    _check(saga)
    file = SAGAS / f"{SAGA.replace('-', '_')}.py"
    tasks = {task.name: task for task in catalog}
    machine = state_machine(saga, Ground(tasks, lambda queue: f"https://sqs.us-east-1.amazonaws.com/123/{queue}"))
    states = machine["States"]
    return Figure(
        "saga_lines", declared_lines(file), "lines",
        f"To declare {SAGA}, a saga of {STEPS} steps, two of them with what undoes them: as formatted, without blank "
        "lines, docstrings and imports.",
        at_most=BOUND,
        parts=(
            Part("the whole file", _filled(file.read_text().splitlines()), "docstrings and imports too"),
            Part("state machine", len(json.dumps(machine, indent=2).splitlines()), f"{len(states)} states, as JSON"),
        ),
    )  # fmt: skip


def declared_lines(file: Path) -> int:
    """Lines that are neither blank nor a comment, a docstring or an import."""
    text = file.read_text()
    tree, lines = ast.parse(text), text.splitlines()
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            assert isinstance(node, ast.stmt)
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = ""
    return _filled(line for line in lines if not line.lstrip().startswith("#"))


def _check(saga: Saga) -> None:
    if len(saga.steps) != STEPS:
        raise OtherSagaError(f"saga {SAGA} has {len(saga.steps)} steps, and {STEPS} are to be measured")


def _filled(lines: Iterable[str]) -> int:
    return sum(1 for line in lines if line.strip())
