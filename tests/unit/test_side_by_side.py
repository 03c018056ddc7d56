"""Parts of the suite beside each other: each is told of whole, none is forgotten, and none outlives the run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.local.processes import start_mark
from cli.local.state import REPOSITORY
from tests.side_by_side import FAILED, INTERRUPTED, Part, Run

WAITS = """
import os, pathlib, time
try:
    pathlib.Path("part").mkdir()
    pathlib.Path("part/new").write_text(str(os.getpid()))
    os.rename("part/new", "part/pid")
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    print("put away what it had")
"""
RUNNER = """
import pathlib, sys
from tests.side_by_side import Part, Run, ended
parts = [Part(name, (sys.executable, "-c", sys.argv[1])) for name in ("waits", "never begins")]
sys.exit(ended(Run(parts, pathlib.Path("kept"), at_once=1)))
"""


def python(name: str, code: str) -> Part:
    return Part(name, (sys.executable, "-c", code))


def test_what_each_part_printed_stands_in_one_piece(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slowly = "import time\nfor n in range(3): print({0!r}, n, flush=True); time.sleep(0.1)"
    parts = [python("Part one", slowly.format("one")), python("Part two", slowly.format("two"))]
    assert Run(parts, tmp_path).exit_code() == 0
    printed = capsys.readouterr().out
    assert "one 0\none 1\none 2\n" in printed
    assert "two 0\ntwo 1\ntwo 2\n" in printed
    assert (tmp_path / "part-one.txt").read_text() == "one 0\none 1\none 2\n"


def test_a_part_that_fails_fails_all_and_stops_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [python("bad", "raise SystemExit(3)"), *(python(f"good {n}", "print('ran')") for n in range(3))]
    assert Run(parts, tmp_path).exit_code() == FAILED
    printed = capsys.readouterr().out
    assert printed.count("\nran\n") == 3
    assert "bad: FAILED with 3" in printed
    assert "failed: bad\n" in printed


def test_no_more_than_so_many_run_at_once(tmp_path: Path) -> None:
    place = str(tmp_path / "one at a time")
    alone = f"import os, time; os.mkdir({place!r}); time.sleep(0.1); os.rmdir({place!r})"
    assert Run([python(f"part {n}", alone) for n in range(3)], tmp_path / "kept", at_once=1).exit_code() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_stops_its_parts_which_put_away_what_they_had(tmp_path: Path, number: int) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, WAITS], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    pid = tmp_path / "part" / "pid"
    while runner.poll() is None and not pid.exists():
        time.sleep(0.02)
    runner.send_signal(number)
    printed, _ = runner.communicate()
    assert runner.returncode == INTERRUPTED
    assert "put away what it had" in printed
    assert "never begins: begins" not in printed
    assert start_mark(int(pid.read_text())) is None


def test_a_part_is_named_after_its_folders() -> None:
    part = Part.of_pytest("tests/infra tests/contract --reruns 1")
    assert part.name == "infra and contract"
    assert part.command[-4:] == ("tests/infra", "tests/contract", "--reruns", "1")
