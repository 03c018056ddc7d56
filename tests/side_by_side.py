"""`python -m tests.side_by_side PART...`: parts of the suite beside each other, each told of whole when it ends.

A part is one pytest run with its arguments, in quotes, and a process of its own. They begin in the order given, as many
at a time as there are cores and one more. The first is one that mostly waits; those after it take what it leaves of the
machine, at a lower priority. What a part prints is kept in `.backstay/tests/` and printed in one piece. Ends with 1 if
a part failed. Ctrl-C lets each part end as pytest does then, its servers with it; a second one is passed on too.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

KEPT = Path(__file__).parent.parent / ".backstay" / "tests"
AT_ONCE = 1 + (os.cpu_count() or 1)
FAILED, INTERRUPTED = 1, 128 + signal.SIGINT
_LOOK_EVERY_S = 0.2
_MODESTLY = ("nice", "-n", "10")


@dataclass(frozen=True, slots=True)
class Part:
    """One command, under the name by which people are told of it."""

    name: str
    command: tuple[str, ...]

    @classmethod
    def of_pytest(cls, arguments: str, *before: str) -> "Part":
        """A pytest run, named after the folders that it looks at, with these words before it."""
        words = shlex.split(arguments)
        folders = [word.removeprefix("tests/") for word in words if word.startswith("tests/")]
        return cls(" and ".join(folders) or arguments, (*before, sys.executable, "-m", "pytest", *words))


@dataclass(slots=True)
class Running:
    """A part's process, and the file that it prints into."""

    part: Part
    output: Path
    process: subprocess.Popen[bytes] = field(init=False)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Start it in a session of its own: Ctrl-C comes once, from here, and not from the terminal too."""
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                self.part.command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.process.poll() is not None

    def tell(self) -> bool:
        """Print all that it printed, and how it ended; True where it ended well."""
        verdict = f"FAILED with {self.process.returncode}" if self.process.returncode else "ended well"
        _say(f"{self.part.name}: what it printed")
        sys.stdout.write(self.output.read_text(encoding="utf-8", errors="replace"))
        _say(f"{self.part.name}: {verdict} after {time.monotonic() - self.began:.0f} s")
        return self.process.returncode == 0


class Run:
    """Parts beside each other."""

    def __init__(self, parts: Sequence[Part], kept: Path, at_once: int = AT_ONCE) -> None:
        self._waiting, self._kept, self._at_once = list(parts), kept, at_once
        self._running: list[Running] = []
        self._failed: list[str] = []
        self._asked_to_stop = threading.Event()
        self._is_stopped = False

    def stop(self, *_: object) -> None:
        """Start nothing more, and let what runs end; fit to handle a signal."""
        self._asked_to_stop.set()

    def exit_code(self) -> int:
        """Run all of them to their ends, whichever fails; what the process should end with."""
        self._kept.mkdir(parents=True, exist_ok=True)
        while self._waiting or self._running:
            if self._asked_to_stop.wait(_LOOK_EVERY_S):
                self._interrupt()
            self._tell_of_ended()
            while self._waiting and len(self._running) < self._at_once:
                self._start(self._waiting.pop(0))
        if self._failed:
            _say(f"failed: {', '.join(self._failed)}")
        return INTERRUPTED if self._is_stopped else FAILED if self._failed else 0

    def _start(self, part: Part) -> None:
        _say(f"{part.name}: begins")
        file = re.sub(r"[^a-z0-9]+", "-", part.name.lower()).strip("-")
        self._running.append(Running(part, self._kept / f"{file}.txt"))

    def _tell_of_ended(self) -> None:
        for ended in [one for one in self._running if one.has_ended]:
            self._running.remove(ended)
            if not ended.tell():
                self._failed.append(ended.part.name)

    def _interrupt(self) -> None:
        self._asked_to_stop.clear()
        self._is_stopped = True
        self._waiting.clear()
        for one in self._running:
            if not one.has_ended:
                one.process.send_signal(signal.SIGINT)


def _say(line: str) -> None:
    print(f"=== {line}", flush=True)


def ended(run: Run) -> int:
    """The exit code of a run that signals stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, run.stop)
    return run.exit_code()


def main() -> None:
    """Run what the command line names."""
    first, *others = sys.argv[1:]
    parts = [Part.of_pytest(first), *(Part.of_pytest(other, *_MODESTLY) for other in others)]
    sys.exit(ended(Run(parts, KEPT)))


if __name__ == "__main__":
    main()
