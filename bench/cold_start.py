"""What a function's cold start costs in imports, against boto3 and a DynamoDB client in the same run."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.cloud import ENVIRONMENT, FUNCTIONS, ROOT
from bench.figures import Figure, Part
from bench.run import Run

NAMES = ("cold_import_ratio_api", "cold_import_ratio_worker")
BOUND = 1.6
_PROBE = Path(__file__).with_name("cold_probe.py")
_KINDS = ("boto3", "worker", "api")


class SDKImportedError(Exception):
    """A function loads an LLM SDK before it has a call to make."""


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start."""

    wall_s: float
    cpu_s: float
    modules: int


def measure(run: Run) -> list[Figure]:
    """Alternate fresh processes, so that whatever else the machine does disturbs all alike."""
    rounds = 5 if run.quick else 15
    starts: dict[str, list[Start]] = {kind: [] for kind in _KINDS}
    with run.progress("cold starts", (rounds + 1) * len(_KINDS)) as step:
        for number in range(rounds + 1):
            for kind in _KINDS:
                start = _start(kind)
                if number:  # the first one compiles bytecode and fills the page cache
                    starts[kind].append(start)
                step()
    return [figure("worker", starts), figure("api", starts)]


def figure(kind: str, starts: Mapping[str, list[Start]]) -> Figure:
    """One function's figure."""
    who = {"worker": "a task's Lambda, before its first model call", "api": "the API's Lambda"}[kind]
    ratio = median(ours.cpu_s / floor.cpu_s for ours, floor in zip(starts[kind], starts["boto3"], strict=True))
    return Figure(
        f"cold_import_ratio_{kind}", ratio, "times",
        f"CPU of starting {who}, with a DynamoDB client ready, against importing boto3 and making that client.",
        at_most=BOUND,
        parts=(
            Part("ours, CPU s", median(start.cpu_s for start in starts[kind])),
            Part("boto3, CPU s", median(start.cpu_s for start in starts["boto3"])),
            Part("ours, wall s", median(start.wall_s for start in starts[kind])),
            Part("boto3, wall s", median(start.wall_s for start in starts["boto3"])),
            Part("ours, modules", median(start.modules for start in starts[kind])),
            Part("boto3, modules", median(start.modules for start in starts["boto3"])),
        ),
        note="Starting Python itself is left out of both. No LLM SDK is among the modules: the run fails if one is.",
    )  # fmt: skip


def _start(kind: str) -> Start:
    # Without the switch that some machines set against bytecode: the layer carries it.
    foreign = ("AWS_", "BACKSTAY_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    paths = os.pathsep.join((str(FUNCTIONS), str(ROOT / "layers/common/python")))
    told = {"LAMBDA_TASK_ROOT": str(FUNCTIONS), "BACKSTAY_TASK": "enhance-story", "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-P", str(_PROBE), kind],
        env=environment | ENVIRONMENT | told, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the {kind} does not start:\n{done.stderr}")
    wall, cpu, modules, *sdks = done.stdout.split()
    if sdks and kind != "boto3":
        raise SDKImportedError(f"the {kind} loads {sdks[0]} at its start; import it where a call first needs it")
    return Start(float(wall), float(cpu), int(modules))
