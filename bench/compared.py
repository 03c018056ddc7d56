"""Backstay beside what people would use instead: one table, from the parts of figures that were measured in one run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.figures import Figure

COLUMNS = ("Backstay", "LiteLLM", "bare SDK", "bare SQS → Lambda handler", "raw HTTP")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is compared, and the parts of its figure that tell it, by column."""

    what: str
    figure: str
    parts: Mapping[str, str]


_CALLS = "llm_overhead_vs_litellm"
_IMPORTS = "import_vs_litellm"
ROWS = (
    Row(
        "a call of a model on this machine, ms", _CALLS,
        {
            "Backstay": "llm.complete, ms a call", "LiteLLM": "LiteLLM, ms a call",
            "bare SDK": "bare SDK, ms a call", "raw HTTP": "raw HTTP, ms a call",
        },
    ),
    *(
        Row(
            f"{what}", _IMPORTS,
            {"Backstay": f"worker, {part}", "LiteLLM": f"LiteLLM, {part}", "bare SDK": f"bare SDK, {part}"},
        )
        for what, part in (
            ("imports, CPU s", "imported, CPU s"),
            ("imports, peak MB", "imported, peak MB"),
            ("all up to the first answer, CPU s", "first answer, CPU s"),
            ("all up to the first answer, peak MB", "first answer, peak MB"),
        )
    ),
    Row(
        "a queue of jobs that take the model 1 s, jobs/s", "throughput_ratio",
        {"Backstay": "Backstay, jobs/s", "bare SQS → Lambda handler": "bare handler, jobs/s"},
    ),
    Row(
        "the worker's own work a job, CPU ms", "overhead_ratio_per_job",
        {"Backstay": "Backstay's worker, ms", "bare SQS → Lambda handler": "bare worker, ms"},
    ),
)  # fmt: skip


def compared(figures: Iterable[Figure]) -> list[tuple[str, list[float | None]]]:
    """What is compared, with the value of each column; rows whose figure was never measured are left out."""
    parts = {figure.name: {part.name: part.value for part in figure.parts} for figure in figures}
    return [
        (row.what, [parts[row.figure].get(row.parts.get(column, "")) for column in COLUMNS])
        for row in ROWS
        if row.figure in parts
    ]
