"""Simulations in processes of their own, for tests and for `make chaos`: nothing of simulated time comes in here."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class BrokenSimulationError(Exception):
    """A simulation came to no verdict; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What many seeds came to."""

    seeds: int
    jobs: int
    calls: int
    """To the outside."""
    harmed: int
    """Of these."""
    complaints: tuple[tuple[int, str], ...]
    """By seed."""

    @property
    def told(self) -> str:
        """Each complaint, after the command that shows it again."""
        return "\n".join(f"{replay(seed)}: {what}" for seed, what in self.complaints)


def replay(seed: int) -> str:
    """What shows a seed again, call by call."""
    return f"uv run python -m tests.simulation --seed {seed}"


def simulate(seeds: int, *, first: int = 0, processes: int = 1) -> Simulated:
    """Run so many.

    Raises:
        BrokenSimulationError: there is no verdict.
    """
    said = json.loads(_run("--json", "--seeds", str(seeds), "--first", str(first), "--processes", str(processes)))
    complaints = tuple((seed, what) for seed, what in said.pop("complaints"))
    return Simulated(complaints=complaints, **said)


@dataclass(frozen=True, slots=True)
class Crashes:
    """What came of a death right before and right after every call of a job's way."""

    points: int
    inside: int
    """Of these, between a question that is sent and its answer that is stored."""
    wrong: tuple[str, ...]


def crash_everywhere() -> Crashes:
    """Try all.

    Raises:
        BrokenSimulationError: there is no verdict.
    """
    said = json.loads(_run("--json", "--crashes"))
    return Crashes(said["points"], said["inside"], tuple(said["wrong"]))


def trace(seed: int) -> str:
    """Everything that went out in a simulation, line by line."""
    return _run("--seed", str(seed))


def _run(*words: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", *words]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise BrokenSimulationError(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout
