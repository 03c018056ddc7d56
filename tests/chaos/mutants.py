"""Known bugs are put back one at a time, in a copy of this checkout: the tests that claim to know them must fail."""

import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from bench.figures import Figure, Part
from bench.run import Run
from cli.local.state import REPOSITORY
from tests.chaos.known_bugs import KNOWN_BUGS, Edit, KnownBug

_NOT_COPIED = (".*", "__pycache__", "node_modules", "cdk.out")
_SOURCES = ("layers/common/python", "functions", ".")
_AT_ONCE = 2
_OF_A_VERDICT = ("AssertionError", "assert ", "Failed: DID NOT RAISE")


class StaleBugError(Exception):
    """A bug can't be put back any more, or its test can't judge it: the list must follow the code."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run of tests came to."""

    passed: int
    disproved: int
    """Tests that failed by an assertion."""
    broken: tuple[str, ...] = ()
    """How others failed: they judge nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """One bug, put back."""

    bug: KnownBug
    judged: Judged

    @property
    def is_caught(self) -> bool:
        """Whether its test failed, and by nothing but assertions."""
        return self.judged.disproved > 0 and not self.judged.broken


def run(run: Run) -> list[Figure]:
    """All of them; first the tests without any, which must pass.

    Raises:
        StaleBugError: they do not, or a bug can't be put back.
    """
    with ExitStack() as copying, run.progress("known bugs", len(KNOWN_BUGS)) as step:
        copies = [copying.enter_context(_copied()) for _ in range(_AT_ONCE)]
        sound = copies[0].judge([bug.test for bug in KNOWN_BUGS])
        if sound.disproved or sound.broken:
            raise StaleBugError(f"without any bug {sound.disproved} tests fail, and so do {sound.broken}")
        free: SimpleQueue[Copy] = SimpleQueue()
        for copy in copies:
            free.put(copy)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return figures(list(threads.map(lambda bug: _put_back(free, bug, step), KNOWN_BUGS)))


def figures(found: Sequence[Found]) -> list[Figure]:
    """How many were noticed."""
    return [
        Figure("mutants", len(found), "bugs", "Known bugs that were put back, one at a time.", at_least=10),
        Figure(
            "mutants_caught", sum(one.is_caught for one in found), "bugs",
            "Of these, those that a named test notices: it passes without, and fails by an assertion with it.",
            at_least=len(found),
            parts=tuple(
                Part(one.bug.name, one.is_caught, one.bug.test + "".join(f"; {how}" for how in one.judged.broken))
                for one in found
            ),
        ),
    ]  # fmt: skip


def _put_back(free: "SimpleQueue[Copy]", bug: KnownBug, step: Callable[[], None]) -> Found:
    copy = free.get()
    with copy.edited(bug.edits):
        found = Found(bug, copy.judge([bug.test]))
    free.put(copy)
    step()
    return found


@contextmanager
def _copied() -> Iterator["Copy"]:
    """A copy of this checkout that its tests find before the original."""
    with tempfile.TemporaryDirectory(prefix="backstay-mutants-") as folder:
        root = Path(folder) / "backstay"
        shutil.copytree(REPOSITORY, root, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        copy = Copy(root)
        if not copy.says("import backstay; print(backstay.__file__)").startswith(str(root)):
            raise StaleBugError(f"tests in {root} would not run its code")
        yield copy


@dataclass(frozen=True, slots=True)
class Copy:
    """A checkout to be spoiled."""

    root: Path

    @contextmanager
    def edited(self, edits: Sequence[Edit]) -> Iterator[None]:
        """With these changes inside.

        Raises:
            StaleBugError: a file does not say what is to be changed exactly once.
        """
        before = {edit.file: (self.root / edit.file).read_text() for edit in edits}
        try:
            for edit in edits:
                text = (self.root / edit.file).read_text()
                if (times := text.count(edit.before)) != 1:
                    raise StaleBugError(f"{edit.file} says {times} times, not once:\n{edit.before}")
                (self.root / edit.file).write_text(text.replace(edit.before, edit.after))
            yield
        finally:
            for file, text in before.items():
                (self.root / file).write_text(text)

    def judge(self, tests: Sequence[str]) -> Judged:
        """Run tests of it."""
        report = self.root / "report.xml"
        report.unlink(missing_ok=True)
        said = self._python("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests)
        if not report.exists():
            raise StaleBugError(f"pytest has judged nothing:\n{said}")
        return judged(report.read_text())

    def says(self, program: str) -> str:
        """What a program prints."""
        return self._python("-c", program)

    def _python(self, *words: str) -> str:
        path = os.pathsep.join(str(self.root / source) for source in _SOURCES)
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout


def judged(report: str) -> Judged:
    """What pytest's report in JUnit's form says."""
    passed = disproved = 0
    broken = []
    for test in ET.fromstring(report).iter("testcase"):
        ends = [*test.iter("failure"), *test.iter("error")]
        said = [end.get("message", "") for end in ends]
        if not ends:
            passed += 1
        elif all(end.tag == "failure" and how.startswith(_OF_A_VERDICT) for end, how in zip(ends, said, strict=True)):
            disproved += 1
        else:
            broken += [how[:200] for how in said]
    return Judged(passed, disproved, tuple(broken))
