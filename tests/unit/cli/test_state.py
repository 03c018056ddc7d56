"""The state directory: what it says is true, and nobody else reads the key in it."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cli.local.processes import Child, start_mark
from cli.local.state import LocalCloud, StateDirectory
from cli.problems import ExitCode, Problem

CLOUD = LocalCloud(
    api_url="http://127.0.0.1:1/_aws/execute-api/abc",
    api_key="bsk_1_2",
    endpoint_url="http://127.0.0.1:1",
    llm_url="http://127.0.0.1:2",
    inbox_url="http://127.0.0.1:3",
    dashboard_url="http://127.0.0.1:1/docs",
    stage="dev",
    queues={"enhance-story": "http://127.0.0.1:1/000000000000/backstay-dev-enhance-story-normal"},
    outputs={"Stage": "dev"},
    processes=(Child("aws", os.getpid(), start_mark(os.getpid()) or ""),),
)


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    directory = StateDirectory(tmp_path / "state")
    directory.prepare()
    return directory


def test_a_cloud_whose_processes_run_is_found_as_it_was_written(state: StateDirectory) -> None:
    state.write_cloud(CLOUD)
    assert state.cloud() == CLOUD


def test_after_a_reboot_the_file_that_is_left_means_no_cloud(state: StateDirectory) -> None:
    state.write_cloud(replace(CLOUD, processes=(Child("aws", os.getpid(), "an earlier boot:1"),)))
    assert state.cloud() is None


def test_a_damaged_or_foreign_file_means_no_cloud(state: StateDirectory) -> None:
    for text in ("", "{", "[]", "{}", '{"api_url": 1}'):
        state.local_json.write_text(text)
        assert state.cloud() is None


def test_without_a_cloud_the_remedy_is_named(state: StateDirectory) -> None:
    with pytest.raises(Problem) as problem:
        state.require_cloud()
    assert problem.value.code is ExitCode.NOT_REACHABLE
    assert "backstay up" in problem.value.remedy


def test_only_the_owner_may_read_the_api_key(state: StateDirectory) -> None:
    state.write_cloud(CLOUD)
    assert stat.S_IMODE(state.local_json.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700


def test_two_commands_cannot_start_the_same_cloud_at_once(state: StateDirectory) -> None:
    script = (
        "import sys; from pathlib import Path; from cli.local.state import StateDirectory\n"
        "with StateDirectory(Path(sys.argv[1])).locked(): pass"
    )
    with state.locked():
        command = [sys.executable, "-c", script, str(state.path)]
        second = subprocess.run(command, check=False, capture_output=True, text=True)
    assert second.returncode
    assert "another backstay command" in second.stderr


def test_clearing_leaves_nothing_but_what_others_put_there(state: StateDirectory) -> None:
    state.write_cloud(CLOUD)
    state.note_children(CLOUD.processes)
    (state.path / "tools").mkdir()
    state.clear()
    assert [path.name for path in state.path.iterdir()] == ["tools"]


def test_clearing_removes_a_directory_that_is_the_cloud_s_alone(state: StateDirectory) -> None:
    state.write_cloud(CLOUD)
    state.clear()
    assert not state.path.exists()
