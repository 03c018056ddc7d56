"""A task made by `backstay new task` runs at once."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backstay.catalog import Catalog
from cli.demo.scenarios import read_events
from cli.problems import ExitCode, Problem
from cli.scaffold import write_task


def test_the_new_task_is_found_its_event_fits_and_its_test_passes(tmp_path: Path) -> None:
    write_task(tmp_path, "count-these-words")
    (events,) = read_events(tmp_path / "events")
    task = Catalog(tmp_path / "functions").get("count-these-words")
    assert events.task == task.name
    task.read_input(events.scenarios[0].input or {})
    test = tmp_path / "tests" / "unit" / "test_count_these_words.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", str(test)]
    env = {"PYTHONPATH": str(tmp_path / "functions")}
    ran = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, env=env)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", ["Count", "count_words", "count words", "-count", "count-", "", "../evil"])
def test_a_name_that_no_task_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as problem:
        write_task(tmp_path, name)
    assert problem.value.code is ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    write_task(tmp_path, "count")
    kept = (tmp_path / "functions" / "count" / "task.py").read_text()
    with pytest.raises(Problem, match="is there already"):
        write_task(tmp_path, "count")
    assert (tmp_path / "functions" / "count" / "task.py").read_text() == kept


@pytest.mark.parametrize("name", ["count-words", "answer-mail"])
def test_the_written_code_keeps_the_house_s_style(name: str, tmp_path: Path) -> None:
    write_task(tmp_path, name)
    framework = tmp_path / "layers" / "common" / "python" / "backstay"
    framework.mkdir(parents=True)
    (framework / "task.py").touch()
    shutil.copy(Path(__file__).parents[3] / "pyproject.toml", tmp_path)
    for check in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, "--no-cache"]
        ran = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout
