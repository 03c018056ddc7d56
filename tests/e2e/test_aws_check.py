"""`backstay aws-check` against the embedded cloud, which shows that the checks work, not that AWS does."""

import json
import subprocess
import sys

import pytest

from cli.local.state import REPOSITORY, StateDirectory

pytestmark = pytest.mark.e2e

_CHECKS = ("permissions", "paths", "pausing", "transactions", "races", "pollers", "fairness")


def test_the_checks_run_to_their_end_and_leave_the_tasks_running(state: StateDirectory, stack) -> None:
    command = [sys.executable, "-m", "cli", "--state-dir", str(state.path), "aws-check", "--json", "--noisy", "20"]
    command += [word for name in _CHECKS for word in ("--only", name)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    findings = json.loads(done.stdout)
    refuted = [finding for finding in findings if finding["verdict"] == "refuted"]
    assert not refuted, done.stderr
    assert done.returncode == 0
    assert {finding["check"] for finding in findings} == {*_CHECKS, "cleaning"}
    assert not any(task["paused"] for task in stack.get("/api/stats")["tasks"])
