"""`backstay logs` and `backstay trace` at the terminal. API and CloudWatch are fakes; the rest is real."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay import aws
from cli.local.state import StateDirectory
from cli.problems import ExitCode
from cli.trace import SpanView, bar, rows_of
from tests.unit.cli.terminal import FakeApi, backstay

JOB_ID, TRACE_ID = "default.abc234", "4bf92f3577b34da6a3ce929d0e0e4736"
BEGAN = 1_795_608_000_000  # 2026-11-25T12:00:00Z
JOB = {
    "id": JOB_ID, "task": "enhance-story", "tenant": "default", "state": "completed", "attempts": 2,
    "created_at": "2026-11-25T12:00:00.000Z", "started_at": "2026-11-25T12:00:01.000Z",
    "finished_at": "2026-11-25T12:00:09.000Z", "trace_id": TRACE_ID,
    "failures": [{"attempt": 1, "at": "2026-11-25T12:00:03.000Z", "class": "server", "message": "500 from openai"}],
}  # fmt: skip


class Logs:
    """CloudWatch Logs, with two functions' groups, as far as it is asked here."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {"api": [], "enhance-story": [], "deliver-webhook": []}
        self.asked: list[dict[str, Any]] = []

    def says(self, function: str, after_ms: int, **keys: Any) -> None:
        self.events[function].append({"timestamp": BEGAN + after_ms, "message": json.dumps(keys) + "\n"})

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)


class Pages:
    """Two pages of whatever is asked, as AWS cuts them where it likes."""

    def __init__(self, logs: Logs, operation: str) -> None:
        self._logs, self._operation = logs, operation

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self._logs.asked.append(asked)
        if self._operation == "describe_log_groups":
            for name in self._logs.events:
                yield {"logGroups": [{"logGroupName": asked["logGroupNamePrefix"] + name}]}
            return
        term = asked["filterPattern"].strip('"')
        for event in self._logs.events[asked["logGroupName"].removeprefix("/aws/lambda/backstay-dev-")]:
            if asked["startTime"] <= event["timestamp"] <= asked["endTime"] and term in event["message"]:
                yield {"events": [event]}
        yield {"events": []}


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    made = Logs()
    monkeypatch.setattr(aws, "logs", lambda: made)
    return made


@pytest.fixture
def state(state: StateDirectory) -> StateDirectory:
    cloud = state.cloud()
    assert cloud is not None
    state.write_cloud(replace(cloud, outputs={"Stage": "dev"}))
    return state


def test_lines_of_all_functions_come_by_time_between_what_became_of_the_job(
    api: FakeApi, state: StateDirectory, logs: Logs
) -> None:
    api.says(f"GET /api/jobs/{JOB_ID}", (200, JOB))
    logs.says("deliver-webhook", 9500, level="WARNING", message="the receiver is down", about=JOB_ID)
    logs.says("enhance-story", 2900, level="WARNING", message="asking again", job_id=JOB_ID, left_s=4)
    logs.says("enhance-story", 2950, level="INFO", message="of somebody else", job_id="default.other")
    ran = backstay(state, "logs", JOB_ID)
    assert ran.exit_code == ExitCode.OK, ran.stderr
    lines = [line.split(maxsplit=1) for line in ran.stdout.splitlines()]
    assert [at for at, _ in lines] == [
        "12:00:00.000", "12:00:01.000", "12:00:02.900", "12:00:03.000", "12:00:09.000", "12:00:09.500",
    ]  # fmt: skip
    said = [rest for _, rest in lines]
    assert said[0].split() == ["record", "submitted", "for", "enhance-story"]
    assert said[2].split() == ["enhance-story", "WARNING", "asking", "again", "left_s=4"]
    assert said[3].endswith("attempt 1: server: 500 from openai")
    assert said[4].endswith("completed after 2 attempts")
    assert said[5].split()[0] == "deliver-webhook"


def test_json_is_a_line_for_each_with_its_function_and_all_that_it_holds(
    api: FakeApi, state: StateDirectory, logs: Logs
) -> None:
    api.says(f"GET /api/jobs/{JOB_ID}", (200, JOB))
    logs.says("api", 5, level="ERROR", message="the API failed", job_id=JOB_ID, exception="Traceback")
    documents = [json.loads(line) for line in backstay(state, "logs", JOB_ID, "--json").stdout.splitlines()]
    assert documents[1]["function"] == "api"
    assert documents[1]["exception"] == "Traceback"
    assert documents[1]["at"] == "2026-11-25T12:00:00.005Z"


def test_spans_are_left_to_the_command_that_draws_them(api: FakeApi, state: StateDirectory, logs: Logs) -> None:
    api.says(f"GET /api/jobs/{JOB_ID}", (200, JOB))
    logs.says("enhance-story", 10, level="INFO", message="spans", job_id=JOB_ID, spans=[])
    assert "spans" not in backstay(state, "logs", JOB_ID).stdout


def test_following_ends_a_round_after_the_job_and_shows_each_line_once(
    api: FakeApi, state: StateDirectory, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = {**JOB, "state": "active", "finished_at": None, "failures": []}
    api.says(f"GET /api/jobs/{JOB_ID}", (200, active), (200, active), (200, JOB))
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        logs.says("enhance-story", 100 * len(waits), level="INFO", message=f"round {len(waits)}", job_id=JOB_ID)

    monkeypatch.setattr("cli.logs.sleep", wait)
    shown = backstay(state, "logs", JOB_ID, "--follow").stdout
    assert len(waits) == 3
    assert all(shown.count(f"round {number}") == 1 for number in (1, 2, 3))
    assert shown.count("submitted for") == 1
    assert "completed after 2 attempts" in shown


def test_a_job_that_there_is_not_is_told_as_such(api: FakeApi, state: StateDirectory, logs: Logs) -> None:
    assert backstay(state, "logs", "default.nobody").exit_code == ExitCode.NOT_FOUND


def span(
    name: str, an_id: str, parent: str | None, began_ms: float, ended_ms: float, **attributes: Any
) -> dict[str, Any]:
    return {
        "id": an_id, "parent": parent, "name": name, "kind": "internal", "service": "enhance-story",
        "began_ms": BEGAN + began_ms, "ended_ms": BEGAN + ended_ms, "attributes": attributes,
    }  # fmt: skip


def test_a_trace_is_a_tree_along_time_with_what_went_wrong(api: FakeApi, state: StateDirectory, logs: Logs) -> None:
    api.says(f"GET /api/jobs/{JOB_ID}", (200, JOB))
    call = span("chat gpt", "c", "b", 500, 1000, **{"error.type": "server"})
    process = span("process enhance-story", "b", "a", 400, 1000)
    logs.says("api", 100, message="spans", trace_id=TRACE_ID, spans=[span("POST /api/jobs", "a", "callers", 0, 100)])
    logs.says("enhance-story", 1000, message="spans", trace_id=TRACE_ID, spans=[call, process])
    shown = backstay(state, "trace", JOB_ID)
    assert shown.exit_code == ExitCode.OK, shown.stderr
    request, attempt, model = shown.stdout.splitlines()[2:]
    assert request.startswith("POST /api/jobs")
    assert attempt.startswith("  process enhance-story")
    assert model.startswith("    chat gpt")
    assert model.rstrip().endswith("server")
    document = json.loads(backstay(state, "trace", JOB_ID, "--json").stdout)
    assert document["trace_id"] == TRACE_ID
    assert [one["id"] for one in document["spans"]] == ["a", "b", "c"]


def test_a_job_that_is_not_traced_says_how_it_would_be(api: FakeApi, state: StateDirectory, logs: Logs) -> None:
    api.says(f"GET /api/jobs/{JOB_ID}", (200, {**JOB, "trace_id": None}))
    ran = backstay(state, "trace", JOB_ID)
    assert ran.exit_code == ExitCode.FAILED
    assert "submit with --trace" in ran.stderr


def test_a_traced_submit_asks_for_a_trace_of_its_own(api: FakeApi, state: StateDirectory, tmp_path: Any) -> None:
    work = tmp_path / "input.json"
    work.write_text("{}")
    api.says("POST /api/jobs", (202, JOB))
    backstay(state, "submit", "enhance-story", "--input", str(work), "--trace")
    backstay(state, "submit", "enhance-story", "--input", str(work))
    traced, plain = ({key.lower(): value for key, value in headers.items()} for _, _, headers in api.asked)
    assert traced["traceparent"].endswith("-01")
    assert "traceparent" not in plain


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_bar_fills_its_columns_and_always_shows_something(begins: int, lasts: int, after: int) -> None:
    drawn = bar(begins, begins + lasts, begins + lasts + after, 24)
    assert len(drawn) == 24
    assert "━" in drawn


def test_every_span_is_shown_even_where_its_parent_is_not_known() -> None:
    spans = [
        SpanView(an_id, parent, an_id, "s", 0, 1, {}) for an_id, parent in (("a", "lost"), ("b", "a"), ("c", None))
    ]
    assert [str(row[0]) for row in rows_of(spans)] == ["a", "  b", "c"]
