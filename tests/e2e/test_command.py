"""The `backstay` command against the embedded cloud, each time as a process of its own."""

import json
import uuid

import pytest

from cli.local.state import StateDirectory
from cli.problems import ExitCode

from .conftest import Backstay

pytestmark = pytest.mark.e2e


def test_a_task_made_by_new_task_runs_without_touching_another_file(backstay: Backstay) -> None:
    ran = backstay("submit", "count-words", "--input", "-", "--watch", "--json", stdin={"text": "one two three"})
    assert ran.returncode == ExitCode.OK, ran.stderr
    assert json.loads(ran.stdout)["result"] == {"words": 3}


def test_a_job_can_be_followed_from_submit_to_list_to_show(backstay: Backstay) -> None:
    key = uuid.uuid4().hex
    submitted = backstay("submit", "obey", "--input", "-", "--key", key, "--watch", "--json", stdin={"text": "hello"})
    job_id = json.loads(submitted.stdout)["id"]
    listed = json.loads(backstay("jobs", "ls", "--task", "obey", "--limit", "100", "--json").stdout)
    assert job_id in [job["id"] for job in listed]
    assert json.loads(backstay("jobs", "show", job_id).stdout)["result"]["text"] == "hello"
    assert backstay("jobs", "retry", job_id).returncode == ExitCode.CONFLICT
    other = backstay("submit", "obey", "--input", "-", "--key", key, stdin={"text": "other"})
    assert other.returncode == ExitCode.CONFLICT


def test_watching_a_job_that_fails_ends_with_its_reason_and_exit_code_1(backstay: Backstay) -> None:
    ran = backstay("submit", "obey", "--input", "-", "--watch", stdin={"reject": True})
    assert ran.returncode == ExitCode.FAILED
    assert "rejected: told to reject" in ran.stdout


def test_a_delayed_job_is_cancelled(backstay: Backstay) -> None:
    job_id = backstay("submit", "obey", "--input", "-", "--delay-s", "600", stdin={}).stdout.split()[0]
    assert "cancelled" in backstay("jobs", "cancel", job_id).stdout


def test_a_key_is_created_used_within_its_scope_and_revoked(backstay: Backstay) -> None:
    made = json.loads(backstay("keys", "create", "reader", "--tenant", "acme", "--scope", "read", "--json").stdout)
    reader = {"BACKSTAY_API_KEY": made["key"]}
    assert backstay("jobs", "ls", "--json", env=reader).stdout.strip() == "[]", "another tenant's jobs are in sight"
    refused = backstay("submit", "obey", "--input", "-", stdin={}, env=reader)
    assert refused.returncode == ExitCode.REFUSED
    assert "submit" in refused.stderr
    assert backstay("keys", "revoke", made["key_id"]).returncode == ExitCode.OK
    assert backstay("keys", "revoke", made["key_id"]).returncode == ExitCode.NOT_FOUND
    listed = json.loads(backstay("keys", "ls", "--json").stdout)
    assert next(key for key in listed if key["key_id"] == made["key_id"])["revoked_at"]


def test_stats_tell_every_task(backstay: Backstay) -> None:
    tasks = json.loads(backstay("stats", "--json").stdout)["tasks"]
    assert {"count-words", "deliver-webhook", "enhance-story"} <= {task["task"] for task in tasks}
    assert "enhance-story" in backstay("stats").stdout


def test_an_unknown_task_is_told_with_the_known_ones(backstay: Backstay) -> None:
    ran = backstay("submit", "nonsense", "--input", "-", stdin={})
    assert ran.returncode == ExitCode.USAGE
    assert "enhance-story" in ran.stderr


def test_a_second_command_cannot_work_on_a_cloud_that_is_being_started(
    backstay: Backstay, state: StateDirectory
) -> None:
    with state.locked():
        ran = backstay("down")
    assert ran.returncode == ExitCode.FAILED
    assert state.cloud(), "the cloud was stopped although another command held it"


def test_local_json_says_where_everything_is_and_is_the_owner_s_alone(state: StateDirectory) -> None:
    said = json.loads(state.local_json.read_text())
    assert {"api_url", "api_key", "endpoint_url", "llm_url", "dashboard_url", "queues", "processes", "outputs"} <= set(
        said
    )
    assert state.local_json.stat().st_mode & 0o077 == 0
