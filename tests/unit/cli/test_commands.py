"""The command at the terminal: what it prints, and what its exit code says. The API is a fake; the rest is real."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.local.state import LocalCloud, StateDirectory
from cli.main import app
from cli.problems import ExitCode
from tests.unit.cli.terminal import FakeApi, backstay

JOB = {
    "id": "default.abc",
    "task": "enhance-story",
    "tenant": "default",
    "state": "completed",
    "attempts": 1,
    "created_at": "2026-11-25T03:00:00.000Z",
    "queue_wait_ms": 40,
    "run_ms": 1200,
    "result": {"source": "model"},
    "receipt": {"cost_usd": "0.00125", "calls": []},
}
FAILED = JOB | {"state": "failed", "result": None, "error": {"class": "task_error", "message": "boom"}}


def test_a_job_is_submitted_with_what_the_options_say(api: FakeApi, state: StateDirectory, tmp_path: Path) -> None:
    api.says("POST /api/jobs", (202, JOB | {"state": "waiting"}))
    (tmp_path / "in.json").write_text('{"id": "s"}')
    ran = backstay(
        state, "submit", "enhance-story", "--input", str(tmp_path / "in.json"), "--key", "k", "--tag", "a", "--tag", "b"
    )
    assert ran.exit_code == ExitCode.OK
    assert "default.abc" in ran.stdout
    (_, body, headers) = api.asked[0]
    assert body == {"task": "enhance-story", "input": {"id": "s"}, "idempotency_key": "k", "tags": ["a", "b"]}
    assert headers["Authorization"] == "Bearer bsk_key"


def test_watching_ends_with_the_job_and_tells_of_failure_by_exit_code(api: FakeApi, state: StateDirectory) -> None:
    api.says("POST /api/jobs", (202, JOB | {"state": "waiting"}))
    api.says("GET /api/jobs/default.abc", (200, JOB | {"state": "active"}), (200, JOB))
    watched = backstay(state, "submit", "enhance-story", "--input", "-", "--watch", "--json", stdin="{}")
    assert watched.exit_code == ExitCode.OK
    assert json.loads(watched.stdout)["result"] == {"source": "model"}
    api.says("GET /api/jobs/default.abc", (200, FAILED))
    watched = backstay(state, "submit", "enhance-story", "--input", "-", "--watch", stdin="{}")
    assert watched.exit_code == ExitCode.FAILED
    assert "task_error: boom" in watched.stdout


def test_what_is_wrong_with_an_input_is_told_field_by_field(api: FakeApi, state: StateDirectory) -> None:
    errors = [{"field": "input.title", "message": "required; add it"}]
    api.says("POST /api/jobs", (422, {"detail": "1 field is at fault", "errors": errors}))
    ran = backstay(state, "submit", "enhance-story", "--input", "-", stdin="{}")
    assert ran.exit_code == ExitCode.USAGE
    assert "input.title: required; add it" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(("text", "named"), [("{", "not JSON"), ("[]", "not a JSON object")])
def test_a_file_that_is_no_json_object_is_never_sent(
    text: str, named: str, api: FakeApi, state: StateDirectory
) -> None:
    ran = backstay(state, "submit", "enhance-story", "--input", "-", stdin=text)
    assert ran.exit_code == ExitCode.USAGE
    assert named in ran.stderr
    assert api.asked == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ExitCode.REFUSED),
        (403, ExitCode.REFUSED),
        (404, ExitCode.NOT_FOUND),
        (409, ExitCode.CONFLICT),
        (500, ExitCode.FAILED),
        (503, ExitCode.FAILED),
    ],
)
def test_every_refusal_has_its_exit_code_and_its_reason(
    status: int, code: ExitCode, api: FakeApi, state: StateDirectory
) -> None:
    api.says("POST /api/jobs/default.abc/retry", (status, {"title": "No", "detail": "because of the test"}))
    ran = backstay(state, "jobs", "retry", "default.abc")
    assert ran.exit_code == code
    assert "because of the test" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_answer_that_is_no_json_is_a_problem_and_no_traceback(api: FakeApi, state: StateDirectory) -> None:
    api.says("GET /api/stats", (502, b"<html>Bad gateway</html>"))
    assert backstay(state, "stats").exit_code == ExitCode.FAILED
    api.says("GET /api/stats", (200, b"<html>hello</html>"))
    ran = backstay(state, "stats")
    assert ran.exit_code == ExitCode.FAILED
    assert "answered no JSON" in ran.stderr


def test_jobs_are_listed_over_several_pages(api: FakeApi, state: StateDirectory) -> None:
    api.says("GET /api/jobs?limit=3&task=enhance-story", (200, {"jobs": [JOB, FAILED], "cursor": "c"}))
    api.says("GET /api/jobs?limit=1&cursor=c&task=enhance-story", (200, {"jobs": [JOB, JOB], "cursor": "d"}))
    ran = backstay(state, "jobs", "ls", "--limit", "3", "--task", "enhance-story", "--json")
    assert ran.exit_code == ExitCode.OK
    assert [job["state"] for job in json.loads(ran.stdout)] == ["completed", "failed", "completed"]


def test_a_redrive_must_say_what_it_is_for(api: FakeApi, state: StateDirectory) -> None:
    assert backstay(state, "dlq", "redrive").exit_code == ExitCode.USAGE
    assert api.asked == []
    api.says("POST /api/dead-letters/redrive", (200, {"count": 3, "expected_cost_usd": "0.01"}))
    ran = backstay(state, "dlq", "redrive", "--all", "--dry-run")
    assert "3 jobs" in ran.stdout
    assert api.asked[-1][1] == {"all": True, "dry_run": True}


BREAKER = {
    "name": "provider:house",
    "state": "open",
    "held": "paused by hand",
    "failures": 0,
    "failure_threshold": 5,
    "next_attempt_at": None,
    "transitions": [{"at": "2026-11-25T04:00:00.000Z", "reason": "paused by hand"}],
}
PROVIDER = {
    "name": "house",
    "configured": True,
    "breaker": BREAKER,
    "rate": {"requests": 12, "requests_per_minute": 60},
    "credit": {"failures_in_a_row": 0, "remaining_usd": "4.5"},
    "today": {
        "calls": 8,
        "success_rate": 0.8,
        "average_latency_ms": 250.4,
        "input_tokens": 100,
        "output_tokens": 20,
        "cost_usd": "0.0015",
    },
}


def test_providers_are_listed_with_what_stops_them_and_what_they_did(api: FakeApi, state: StateDirectory) -> None:
    bare = {"success_rate": None, "average_latency_ms": None, "calls": 0}
    spare = PROVIDER | {
        "name": "spare",
        "configured": False,
        "rate": None,
        "credit": None,
        "today": PROVIDER["today"] | bare,  # type: ignore[operator]
    }
    api.says("GET /api/providers", (200, {"providers": [PROVIDER, spare]}))
    ran = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["--state-dir", str(state.path), "providers", "ls"])
    assert ran.exit_code == ExitCode.OK
    for shown in ("open: paused by hand", "12 of 60", "80%", "250 ms", "120", "$0.0015", "$4.5", "not configured"):
        assert shown in ran.stdout


def test_a_provider_is_tried_and_its_failure_is_the_command_s(api: FakeApi, state: StateDirectory) -> None:
    tried = {"ok": True, "message": "house/tiny answered", "input_tokens": 9, "output_tokens": 1, "cost_usd": "0.1"}
    api.says("POST /api/providers/house/test?model=a%2Fb", (200, tried))
    assert "9 + 1 tokens, $0.1" in backstay(state, "providers", "test", "house", "--model", "a/b").stdout
    failed = {"ok": False, "message": "set the key", "error_class": "auth"}
    api.says("POST /api/providers/house/test", (200, failed))
    ran = backstay(state, "providers", "test", "house")
    assert ran.exit_code == ExitCode.FAILED
    assert "auth: set the key" in ran.stderr
    ran = backstay(state, "providers", "test", "house", "--json")
    assert (ran.exit_code, json.loads(ran.stdout)) == (ExitCode.FAILED, failed)


def test_what_is_said_is_shown_to_the_letter_brackets_and_colons_too(api: FakeApi, state: StateDirectory) -> None:
    said = 'nobody priced it: add [prices."house/tiny"] or list it under [outbound] :key: [/red]'
    tried = {"ok": True, "message": said, "input_tokens": 9, "output_tokens": 1, "cost_usd": None}
    api.says("POST /api/providers/house/test", (200, tried), (200, tried | {"ok": False, "error_class": "unpriced"}))
    assert said in backstay(state, "providers", "test", "house").stdout
    assert said in backstay(state, "providers", "test", "house").stderr
    api.says("GET /api/providers", (200, {"providers": [PROVIDER | {"name": "[house] :key:"}]}))
    ran = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["--state-dir", str(state.path), "providers", "ls"])
    assert "[house] :key:" in ran.stdout


def test_a_provider_is_paused_and_resumed(api: FakeApi, state: StateDirectory) -> None:
    api.says("POST /api/providers/house/pause", (200, PROVIDER))
    api.says("POST /api/providers/house/resume", (200, PROVIDER | {"breaker": BREAKER | {"state": "closed"}}))
    assert "house is open: paused by hand" in backstay(state, "providers", "pause", "house").stdout
    assert "house is ready" in backstay(state, "providers", "resume", "house").stdout


def test_breakers_are_listed_and_closed(api: FakeApi, state: StateDirectory) -> None:
    api.says("GET /api/breakers", (200, {"breakers": [BREAKER]}))
    assert "provider:house" in backstay(state, "breakers", "ls").stdout
    api.says("POST /api/breakers/provider%3Ahouse/reset", (200, BREAKER | {"state": "closed"}))
    assert "provider:house is closed" in backstay(state, "breakers", "reset", "provider:house").stdout


def test_without_a_cloud_every_command_says_how_to_start_one(tmp_path: Path) -> None:
    for words in (["jobs", "ls"], ["stats"], ["keys", "ls"], ["dlq", "ls"]):
        ran = backstay(StateDirectory(tmp_path / "none"), *words)
        assert ran.exit_code == ExitCode.NOT_REACHABLE
        assert "backstay up" in ran.stderr


def test_a_cloud_that_stopped_answering_is_told_as_such(api: FakeApi, state: StateDirectory) -> None:
    cloud = state.require_cloud()
    state.write_cloud(LocalCloud("http://127.0.0.1:9", "k", "", "", "", "", "dev", {}, {}, cloud.processes))
    ran = backstay(state, "stats")
    assert ran.exit_code == ExitCode.NOT_REACHABLE
    assert "does not answer" in ran.stderr


def test_wrong_usage_is_told_without_a_traceback(state: StateDirectory) -> None:
    for words in (["jobs", "ls", "--limit", "0"], ["jobs"], ["nonsense"], ["submit"]):
        assert backstay(state, *words).exit_code == ExitCode.USAGE


def test_help_documents_the_exit_codes(state: StateDirectory) -> None:
    assert "Exit codes" in backstay(state, "--help").stdout


def test_down_without_a_cloud_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["down", "--state-dir", str(tmp_path / "none")])
    assert ran.exit_code == ExitCode.OK
    assert not (tmp_path / "none").exists()


def test_a_state_directory_that_is_named_wins_over_the_environment_s(tmp_path: Path) -> None:
    environment = CliRunner(env={"BACKSTAY_STATE_DIR": str(tmp_path / "environment")})
    for words in (["--state-dir", str(tmp_path / "named"), "down"], ["down", "--state-dir", str(tmp_path / "named")]):
        assert str(tmp_path / "named") in environment.invoke(app, words).stderr.replace("\n", "")
    assert str(tmp_path / "environment") in environment.invoke(app, ["down"]).stderr.replace("\n", "")
