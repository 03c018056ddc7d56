"""What calls models and other services, and who looks after them, on the embedded cloud."""

import json
import math
import os
import pty
import subprocess
import sys
import termios
import time
import uuid

import pytest

from cli.local.state import REPOSITORY, StateDirectory
from cli.problems import ExitCode

from .conftest import RESET_S, Backstay, ModelServer
from .stack import Json, Stack

pytestmark = pytest.mark.e2e

NEWS_S = 1.5
"""By then every worker knows of a breaker that has opened: what it read before, it takes for true for a second."""


def story(text: str) -> Json:
    """A story that nobody has sent yet."""
    return {"id": uuid.uuid4().hex, "title": text, "content": f"{text} {uuid.uuid4().hex}", "sector_tag": "ai"}


def test_a_bot_answers_in_order_from_what_it_was_told_and_what_was_said(stack: Stack, model_server: ModelServer):
    session, user = f"e2e-{uuid.uuid4().hex}", f"shop-{uuid.uuid4().hex[:8]}"
    bot = {"system_prompt": "You sell shoes.", "documents": [{"title": "Hours", "content": "Never on Sundays."}]}
    assert stack.request("PUT", f"/api/bots/{user}", bot).is_success
    path = f"/api/chats/{session}/messages"
    asked = ("Do you deliver on Sundays?", "And on holidays?")
    jobs = [
        stack.post(path, {"message_id": f"{session}-{number}", "user_id": user, "text": text})
        for number, text in enumerate(asked)
    ]
    replies = [stack.wait(job["id"])["result"]["reply"] for job in jobs]
    said = [(message["role"], message["text"]) for message in stack.get(path)["messages"]]
    assert said == [("user", asked[0]), ("assistant", replies[0]), ("user", asked[1]), ("assistant", replies[1])]
    first, second = (json.dumps(request["body"], ensure_ascii=False) for request in model_server.requests())
    assert "Never on Sundays." in first
    assert asked[0] in second
    assert json.dumps(replies[0], ensure_ascii=False).strip('"') in second


def test_a_host_that_is_listed_is_called_and_where_credentials_lie_is_not(stack: Stack):
    mark = uuid.uuid4().hex
    called = stack.submit("call-http", {"method": "POST", "url": stack.inbox_url("orders"), "json": {"mark": mark}})
    refused = stack.submit("call-http", {"url": "http://169.254.169.254/latest/meta-data/"})
    assert stack.wait(called["id"])["state"] == "completed"
    assert stack.received("orders", mark)
    assert stack.wait(refused["id"])["error"]["class"] == "address_refused"


def test_a_provider_that_is_paused_is_not_asked_and_its_receipt_says_who_stood_in(stack: Stack, backstay: Backstay):
    assert "ready" in backstay("providers", "ls").stdout
    assert backstay("providers", "pause", "anthropic").returncode == ExitCode.OK
    try:
        assert stack.get("/api/breakers")["breakers"][0]["held"] == "paused by hand"
        job = stack.submit("enhance-story", story("A pause"))
        (call,) = stack.wait(job["id"])["receipt"]["calls"]
        assert call["provider"] == "openai"
        assert [one["error_class"] for one in call["failed_over_from"]] == ["circuit_open"]
        tried = backstay("providers", "test", "anthropic")
        assert "anthropic/claude-haiku-5-5 answered" in tried.stdout, tried.stderr
    finally:
        resumed = backstay("breakers", "reset", "anthropic")
    assert "provider:anthropic is closed" in resumed.stdout
    assert stack.get("/api/providers")["providers"][0]["paused"] is False


def test_an_answer_is_used_again_and_a_provider_that_fails_is_stood_in_for(stack: Stack, model_server: ModelServer):
    work = story("An answer")
    first = stack.wait(stack.submit("enhance-story", work)["id"])
    again = stack.wait(stack.submit("enhance-story", work | {"id": uuid.uuid4().hex})["id"])
    assert [call["cached"] for call in (*first["receipt"]["calls"], *again["receipt"]["calls"])] == [False, True]
    assert float(again["receipt"]["cost_usd"]) == 0
    model_server.must({"type": "fail", "status": 529, "times": 1})
    (call,) = stack.wait(stack.submit("enhance-story", story("A failover"))["id"])["receipt"]["calls"]
    assert call["provider"] == "openai"
    assert call["failed_over_from"] == [{"route": "anthropic/claude-haiku-5-5", "error_class": "overloaded"}]


def test_a_provider_that_is_down_is_left_alone_and_used_again_when_it_is_back(stack: Stack, model_server: ModelServer):
    model_server.must({"type": "fail", "status": 500, "times": None, "match": {"provider": "anthropic"}})
    began = time.monotonic()
    for _ in range(20):
        assert _answered(stack, stack.submit("enhance-story", story("A beginning"))["id"]) == ("openai", 1)
        if _is_open(stack):
            break
    else:
        pytest.fail("the breaker never opened")
    time.sleep(NEWS_S)
    asked = _asked_of_anthropic(model_server)
    jobs = [stack.submit("enhance-story", story("An outage"))["id"] for _ in range(20)]
    assert [_answered(stack, job_id) for job_id in jobs] == [("openai", 1)] * 20
    probes = _asked_of_anthropic(model_server) - asked
    assert probes <= math.ceil((time.monotonic() - began) / RESET_S)
    model_server.reset()
    stack.until(lambda: _answered(stack, stack.submit("enhance-story", story("An end"))["id"])[0] == "anthropic")


def _answered(stack: Stack, job_id: str) -> tuple[str, int]:
    """Who answered a job, and how many attempts it took."""
    job = stack.wait(job_id, "completed")
    return job["receipt"]["calls"][-1]["provider"], job["attempts"]


def _is_open(stack: Stack) -> bool:
    """Whether the breaker of Anthropic has seen enough.

    No number of jobs says so: while Anthropic wants to rest after an answer to an earlier test, it isn't asked.
    """
    states = {one["name"]: one["state"] for one in stack.get("/api/breakers")["breakers"]}
    return states["provider:anthropic"] != "closed"


def _asked_of_anthropic(model_server: ModelServer) -> int:
    return sum(request["provider"] == "anthropic" for request in model_server.requests())


def test_a_secret_is_typed_unseen_and_is_there(state: StateDirectory, stack: Stack):
    value, name = f"sk-{uuid.uuid4().hex}", f"provider/e2e-{uuid.uuid4().hex[:8]}"
    command = [sys.executable, "-m", "cli", "--state-dir", str(state.path), "secrets", "set", name]
    terminal, typed_into = pty.openpty()
    ran = subprocess.Popen(command, cwd=REPOSITORY, stdin=typed_into, stdout=typed_into, stderr=typed_into)
    os.close(typed_into)
    shown = os.read(terminal, 4096)
    while termios.tcgetattr(terminal)[3] & termios.ECHO:  # what is typed before it asks is thrown away
        time.sleep(0.01)
    os.write(terminal, f"{value}\n".encode())
    while part := _read(terminal):
        shown += part
    assert ran.wait(timeout=30) == 0, shown
    os.close(terminal)
    assert b"is set" in shown
    assert value.encode() not in shown
    full_name = stack.cloud.outputs["SecretPrefix"] + name
    kept = stack.client("secretsmanager").get_secret_value(SecretId=full_name)
    assert kept["SecretString"] == value


def _read(terminal: int) -> bytes:
    """What comes next; nothing when the other side has hung up, which Linux tells by an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
