"""`python -m tests.simulation --seed 17` replays one, with its trace; `--seeds 300` runs so many and tells of each that
went wrong.
"""

import gc
import os
import pickle
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if os.environ.get("PYTHONHASHSEED") != "0":
    # A set's order is by hash, and must be the same for the same seed to come to the same.
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])

import argparse
import json

from tests.simulation import apart, crashes  # noqa: F401 - before anything of Backstay's
from tests.simulation.elsewhere import replay
from tests.simulation.story import Story

_PART = 50
"""Seeds that one process simulates before another takes its place: what ended in the middle stays in memory."""


@dataclass(frozen=True, slots=True)
class Count:
    """What some seeds came to."""

    seeds: int = 0
    jobs: int = 0
    calls: int = 0
    harmed: int = 0
    complaints: tuple[tuple[int, str], ...] = ()
    """By seed."""

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.seeds + other.seeds,
            self.jobs + other.jobs,
            self.calls + other.calls,
            self.harmed + other.harmed,
            self.complaints + other.complaints,
        )


def main() -> int:
    """Ends with 1 where something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="this one, with its trace")
    parser.add_argument("--seeds", type=int, default=300, help="so many")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--crashes", action="store_true", help="instead: a death at every call of a job's way")
    parser.add_argument("--json", action="store_true", help="tell it in one line of JSON")
    asked = parser.parse_args()
    if asked.seed is not None:
        return _one(asked.seed)
    if asked.crashes:
        return _crashes(as_json=asked.json)
    count = sum(_all(range(asked.first, asked.first + asked.seeds), asked.processes), Count())
    if asked.json:
        said = {name: getattr(count, name) for name in Count.__slots__}
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        _tell(count)
    return 1 if count.complaints else 0


def _one(seed: int) -> int:
    told = Story(seed).run()
    sys.stdout.write("\n".join((*told.trace, f"trace {told.digest}", *told.complaints, "")))
    return 1 if told.complaints else 0


def _crashes(*, as_json: bool) -> int:
    points = [point for way in crashes.WAYS for point in crashes.points(way)]
    wrong = [str(point) for point in points if point.wrong]
    said = {"points": len(points), "inside": sum(point.inside for point in points), "wrong": wrong}
    sys.stdout.write(json.dumps(said) + "\n" if as_json else "".join(f"{point}\n" for point in points))
    return 1 if wrong else 0


def _all(seeds: range, processes: int) -> Iterator[Count]:
    """In processes of their own, which end without clearing up: what died in the middle must not run on."""
    parts = [seeds[start : start + _PART] for start in range(0, len(seeds), _PART)]
    Story(seeds.start).run()  # loads whatever is loaded on first use, for all of them
    gc.disable()  # it would go through all that is kept, again and again
    with tempfile.TemporaryDirectory() as folder:
        running: dict[int, Path] = {}
        for number, part in enumerate(parts):
            if len(running) == processes:
                yield _ended(running)
            file = Path(folder) / str(number)
            if child := os.fork():
                running[child] = file
            else:
                _in_child(part, file)
        while running:
            yield _ended(running)


def _in_child(seeds: range, file: Path) -> None:
    try:
        file.write_bytes(pickle.dumps(_some(seeds)))
    except BaseException:  # noqa: BLE001 - shown here, and missed by the parent
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _ended(running: dict[int, Path]) -> Count:
    child, _ = os.wait()
    count: Count = pickle.loads(running.pop(child).read_bytes())
    return count


def _some(seeds: range) -> Count:
    count = Count()
    for seed in seeds:
        told = Story(seed).run()
        count += Count(1, told.jobs, told.calls, told.harmed, tuple((seed, what) for what in told.complaints))
    return count


def _tell(count: Count) -> None:
    for seed, complaint in count.complaints:
        sys.stdout.write(f"{replay(seed)}: {complaint}\n")
    print(f"{count.seeds} seeds, {count.jobs} jobs, {count.calls} calls, {count.harmed} of them harmed")
    print(f"{len(count.complaints)} violations")


if __name__ == "__main__":
    sys.exit(main())
