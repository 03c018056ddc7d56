"""A job followed through every Lambda that handled it: its trace, its lines, and the live view."""

import json
import secrets
from typing import Any

import pytest

from .conftest import Backstay
from .stack import Stack

pytestmark = pytest.mark.e2e

STORY = {"title": "A lighthouse is lit again", "content": "After forty years.", "sector_tag": "ai", "impact_tags": []}
WAY = {
    ("api", "POST /api/jobs"),
    ("api", "send enhance-story"),
    ("enhance-story", "wait enhance-story"),
    ("enhance-story", "process enhance-story"),
    ("enhance-story", "send deliver-webhook"),
    ("deliver-webhook", "wait deliver-webhook"),
    ("deliver-webhook", "process deliver-webhook"),
    ("deliver-webhook", "POST"),
}


def test_one_trace_leads_from_the_request_through_queue_worker_and_model_call_to_the_callback(
    stack: Stack, backstay: Backstay
) -> None:
    trace_id, caller = secrets.token_hex(16), secrets.token_hex(8)
    body = {
        "task": "enhance-story",
        "input": {"id": f"traced-{trace_id}", **STORY, "content": f"After forty years. {trace_id}"},
        "callback_url": stack.inbox_url("hooks"),
    }
    headers = {"traceparent": f"00-{trace_id}-{caller}-01"}
    answer = stack.http.post(f"{stack.cloud.api_url}/api/jobs", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    job = stack.wait(answer.json()["id"])
    assert (job["state"], job["trace_id"]) == ("completed", trace_id)

    def whole() -> dict[str, dict[str, Any]] | None:
        shown = backstay("trace", job["id"], "--json")
        spans = json.loads(shown.stdout)["spans"] if shown.returncode == 0 else []
        found = {span["id"]: span for span in spans}
        return found if {(span["service"], span["name"]) for span in spans} >= WAY else None

    spans = stack.until(whole, 60)
    by_name = {(span["service"], span["name"]): span for span in spans.values()}
    assert by_name["api", "POST /api/jobs"]["parent"] == caller
    for span in spans.values():
        assert span["parent"] == caller or span["parent"] in spans
    calls = [span for span in spans.values() if "gen_ai.request.model" in span["attributes"]]
    assert calls
    assert {call["parent"] for call in calls} == {by_name["enhance-story", "process enhance-story"]["id"]}
    answered = calls[-1]["attributes"]
    (receipt, *_) = job["receipt"]["calls"]
    assert answered["gen_ai.operation.name"] == "chat"
    assert answered["gen_ai.usage.input_tokens"] == receipt["input_tokens"]
    drawn = backstay("trace", job["id"]).stdout
    assert "  send enhance-story" in drawn
    assert "━" in drawn


def test_every_line_of_every_function_about_a_job_is_gathered_by_time(stack: Stack, backstay: Backstay) -> None:
    job = stack.submit("obey", {"fail_attempts": 2, "text": "at last"})
    stack.wait(job["id"])

    def both_failures() -> list[dict[str, Any]] | None:
        written = [json.loads(line) for line in backstay("logs", job["id"], "--json").stdout.splitlines()]
        return written if sum(line["message"] == "task raised" for line in written) == 2 else None

    lines = stack.until(both_failures)
    assert {line["function"] for line in lines} == {"record", "obey"}
    assert {line["job_id"] for line in lines} == {job["id"]}
    assert lines == sorted(lines, key=lambda line: str(line["at"]))
    assert "told to fail attempt 1" in backstay("logs", job["id"]).stdout


def test_a_frame_of_top_shows_every_task_and_provider(stack: Stack, backstay: Backstay) -> None:
    ran = backstay("top", "--once", env={"COLUMNS": "80"})
    assert ran.returncode == 0, ran.stderr
    for name in ("enhance-story", "obey", "total", "anthropic", "today"):
        assert name in ran.stdout
