"""Backstay beside LiteLLM as a library: what it takes to import each, and what each adds to a call of a model."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.cloud import FUNCTIONS, ROOT
from bench.figures import Figure, Part
from bench.litellm_environment import interpreter, version
from bench.loopback import Loopback, loopback
from bench.run import Run

NAMES = ("llm_overhead_vs_litellm", "import_vs_litellm")
OVERHEAD_BOUND, IMPORT_BOUND = 1.0, 0.5
KINDS = ("raw", "sdk", "backstay", "litellm")
_IMPORTED = {"backstay": "worker", "sdk": "bare SDK", "litellm": "LiteLLM"}
_PROBE = Path(__file__).with_name("ask_probe.py")
_WARM_UPS, _CALLS = 15, 50


class NotAnsweredError(Exception):
    """One of the ways to ask got no answer."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a fresh process has used so far."""

    wall_s: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Tried:
    """One fresh process that asked in one way."""

    imported: Start
    answered: Start
    """Imports and all, up to the first answer."""
    call_ms: float
    """The median call, when warm."""


def measure(run: Run) -> list[Figure]:
    """Alternate fresh processes of all kinds; the first round compiles bytecode and fills the page cache."""
    rounds = 3 if run.quick else 7
    tried: dict[str, list[Tried]] = {kind: [] for kind in KINDS}
    with run.progress("beside LiteLLM", (rounds + 1) * len(KINDS)) as step, loopback() as servers:
        pythons = dict.fromkeys(KINDS, sys.executable) | {"litellm": str(interpreter())}
        for number in range(rounds + 1):
            for kind in KINDS:
                outcome = _try(kind, pythons[kind], servers)
                if number:
                    tried[kind].append(outcome)
                step()
    return [overhead(tried), imports(tried)]


def overhead(tried: Mapping[str, Sequence[Tried]]) -> Figure:
    """What each adds to the same request as raw HTTP, ours as a share of theirs."""
    rounds = zip(*(tried[kind] for kind in KINDS), strict=True)
    ratio = median(
        (backstay.call_ms - raw.call_ms) / (litellm.call_ms - raw.call_ms) for raw, _, backstay, litellm in rounds
    )
    ours = "guards on and warm, no cache, inside a job"
    hows = ("the standard library, one connection", "the provider's SDK alone", ours, f"completion(), {version()}")
    names = ("raw HTTP", "bare SDK", "llm.complete", "LiteLLM")
    return Figure(
        "llm_overhead_vs_litellm", ratio, "times",
        "What `llm.complete` adds to a call over raw HTTP, as a share of what LiteLLM's `completion()` adds.",
        at_most=OVERHEAD_BOUND,
        parts=tuple(
            Part(f"{name}, ms a call", median(one.call_ms for one in tried[kind]), how)
            for kind, name, how in zip(KINDS, names, hows, strict=True)
        ),
        note="The same model server on this machine, one call after another; the median, so that the reservation that "
        "a batch of jobs makes together is not in it (budget_calls_per_job). LiteLLM is asked for no budget, rate or "
        "breaker: those are its proxy's.",
    )  # fmt: skip


def imports(tried: Mapping[str, Sequence[Tried]]) -> Figure:
    """What importing takes, ours as a share of theirs."""
    pairs = list(zip(tried["backstay"], tried["litellm"], strict=True))
    return Figure(
        "import_vs_litellm", median(ours.imported.cpu_s / theirs.imported.cpu_s for ours, theirs in pairs), "times",
        "CPU of a task's Lambda's imports, with its DynamoDB client, as a share of `import litellm`'s.",
        at_most=IMPORT_BOUND,
        parts=(
            *(part for kind, name in _IMPORTED.items() for part in _starts(name, tried[kind])),
            Part(
                "up to the first answer, times",
                median(ours.answered.cpu_s / theirs.answered.cpu_s for ours, theirs in pairs),
                "with the SDK, the prices and the guards, which a worker imports at its first call",
            ),
        ),
        note="Fresh processes with compiled bytecode; LiteLLM reads its own copy of the price list. The worker "
        "leaves the SDK to its first call; what that brings is in the lines of the first answer.",
    )  # fmt: skip


def _starts(whose: str, tried: Sequence[Tried]) -> Iterator[Part]:
    for when, starts in (
        ("imported", [one.imported for one in tried]),
        ("first answer", [one.answered for one in tried]),
    ):
        yield Part(f"{whose}, {when}, CPU s", median(start.cpu_s for start in starts))
        yield Part(f"{whose}, {when}, wall s", median(start.wall_s for start in starts))
        yield Part(f"{whose}, {when}, peak MB", median(start.peak_mb for start in starts))


def _try(kind: str, python: str, servers: Loopback) -> Tried:
    with _probe(kind, python, servers) as probe:
        imported, answered = (Start(*map(float, _line(probe, kind).split())) for _ in range(2))
        _ask(probe, kind, _WARM_UPS)
        return Tried(imported, answered, _ask(probe, kind, _CALLS))


@contextmanager
def _probe(kind: str, python: str, servers: Loopback) -> Iterator["subprocess.Popen[str]"]:
    # Without the switch that some machines set against bytecode: the layer carries it.
    kept = {name: value for name, value in servers.variables.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = os.pathsep.join((str(FUNCTIONS), str(ROOT / "layers/common/python")))
    told = {"LAMBDA_TASK_ROOT": str(FUNCTIONS), "BACKSTAY_TASK": "enhance-story", "PYTHONPATH": paths}
    theirs = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # or it asks the internet for prices when it is imported
    with subprocess.Popen(
        [python, "-P", str(_PROBE), kind, servers.llm_url],
        env=kept | (theirs if kind == "litellm" else told),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as probe:  # fmt: skip
        yield probe
        assert probe.stdin
        probe.stdin.close()


def _ask(probe: "subprocess.Popen[str]", kind: str, calls: int) -> float:
    assert probe.stdin
    probe.stdin.write(f"{calls}\n")
    probe.stdin.flush()
    return float(_line(probe, kind))


def _line(probe: "subprocess.Popen[str]", kind: str) -> str:
    assert probe.stdout
    if not (line := probe.stdout.readline()):
        raise NotAnsweredError(f"asking by way of {kind!r} failed; its own words are above")
    return line
