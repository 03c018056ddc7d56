"""reply-to-chat from its queue to the conversation, on its real worker and a real model server."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from backstay.catalog import Catalog
from backstay.chats.bot import Bot, Document
from backstay.chats.table import ChatTable
from backstay.errors import ErrorClass
from backstay.jobs.record import State
from backstay.llm.process import forget_switchboard
from backstay.settings import Environment
from tests.integration.conftest import Machine, SettableClock, make_queues

FUNCTIONS = Path(__file__).parents[2] / "functions"
TASK = "reply-to-chat"
TENANT = "acme"


@pytest.fixture
def machine(
    cloud: Environment, clock: SettableClock, model: LLMock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    from reply_to_chat import task
    from reply_to_chat.replying import Replying

    for name, value in dataclasses.asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    catalog = Catalog(FUNCTIONS)
    make_queues([catalog.get(TASK)])
    task._replying.cache_clear()
    task._replying()._clock = clock
    assert isinstance(task._replying(), Replying)
    yield Machine(cloud, catalog, clock)
    task._replying.cache_clear()


@pytest.fixture
def model(tmp_path: Path, llmock: LLMock, monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMock]:
    path = tmp_path / "backstay.toml"
    path.write_text(
        f'[providers.house]\nkind = "compatible"\nbase_url = "{llmock.base_url()}"\n'
        '[routes]\ndefault = ["house/tiny"]\n[prices."house/tiny"]\ninput = 1\noutput = 1\n'
        '[chats]\nsystem_prompt = "The house prompt."\n'
    )
    monkeypatch.setenv("BACKSTAY_CONFIG", str(path))
    forget_switchboard()
    yield llmock
    forget_switchboard()


@pytest.fixture
def chats(cloud: Environment) -> ChatTable:
    return ChatTable(cloud.chats_table)


def say(machine, number, text="Hello?", **more):
    work = {"session_id": "s-1", "user_id": "shop", "message_id": f"m-{number}", "text": text, **more}
    return machine.submit(TASK, work, tenant=TENANT)


def run(machine, record):
    machine.deliver(TASK, remaining_ms=75_000)
    return machine.record(record.id)


def asked(model, number=-1):
    """What the model was sent: role and text of each message."""
    body = model.requests[number].body
    return [(message["role"], message["content"]) for message in body["messages"]]


def test_a_message_is_answered_in_the_channel_s_format_and_kept(machine, model, chats):
    model.reply("# Yes\n* **every** day")
    record = run(machine, say(machine, 1, format="whatsapp"))

    assert record.state is State.COMPLETED
    result = json.loads(record.result.inline)
    assert result["reply"] == "*Yes*\n- *every* day"
    assert (result["format"], result["fallback"]) == ("whatsapp", False)
    assert result["input_tokens"] > 0 < result["output_tokens"]
    assert result["latency_ms"] >= 0
    [turn] = chats.turns_before(TENANT, "s-1", None, 10)
    assert (turn.text, turn.answered.text, turn.answered.is_fallback) == ("Hello?", result["reply"], False)


def test_the_bot_s_prompt_documents_and_history_are_shown_to_the_model(machine, model, chats):
    chats.put_bot(
        TENANT, "shop", Bot(system_prompt="You sell shoes.", documents=(Document(title="Hours", content="9 to 5"),))
    )
    for number in range(7):
        model.reply(f"answer {number}")
        run(machine, say(machine, number, f"question {number}"))
        machine.clock.advance(10)

    (system, prompt), *said = asked(model)
    assert system == "system"
    assert "You sell shoes." in prompt
    assert "9 to 5" in prompt
    history = [text for number in range(1, 6) for text in (f"question {number}", f"answer {number}")]
    assert [text for _, text in said] == [*history, "question 6"]
    assert [role for role, _ in said] == ["user", "assistant"] * 5 + ["user"]


def test_a_user_without_a_bot_is_answered_as_the_house_says(machine, model):
    run(machine, say(machine, 1))
    assert "The house prompt." in asked(model)[0][1]


def test_what_was_answered_once_is_not_paid_for_again(machine, model, chats):
    record = run(machine, say(machine, 1))
    turn = chats.turns_before(TENANT, "s-1", None, 1)[0]

    from backstay.running import Job
    from reply_to_chat.models import ChatMessage
    from reply_to_chat.task import reply

    message = ChatMessage(session_id="s-1", user_id="shop", message_id="m-1", text="Hello?")
    again = reply(message, Job(tenant=TENANT, submitted_at=record.created_at))
    assert again.reply == turn.answered.text
    assert len(model.requests) == 1


def test_messages_of_one_session_are_answered_one_after_another(machine, model):
    records = [say(machine, number, f"question {number}") for number in range(3)]
    for _ in records:
        machine.deliver(TASK, remaining_ms=75_000)
    assert {machine.record(record.id).state for record in records} == {State.COMPLETED}
    assert [asked(model, number)[-1][1] for number in range(3)] == ["question 0", "question 1", "question 2"]
    assert len(asked(model, 2)) == 6


def test_the_eleventh_message_by_queue_is_parked_and_costs_no_attempt(machine, model):
    for number in range(10):
        assert run(machine, say(machine, number)).state is State.COMPLETED
    late = run(machine, say(machine, 10))
    assert (late.state, late.reason, late.attempts) == (State.DELAYED, "rate_exceeded", 0)
    assert 1 <= (late.due_at - late.changed_at).total_seconds() <= 60

    machine.clock.advance(60)
    machine.make_visible(TASK)
    assert run(machine, late).state is State.COMPLETED
    assert len(model.requests) == 11


def test_a_message_that_the_api_let_in_is_not_counted_again(machine, model, chats, clock):
    for number in range(10):
        chats.admit(TENANT, "s-1", f"m-{number}", clock())
    assert run(machine, say(machine, 3)).state is State.COMPLETED


@pytest.mark.parametrize("fallback", ["We will come back to you.", ""])
def test_when_no_model_can_be_had_for_a_minute_the_fallback_text_must_do(machine, model, chats, fallback):
    chats.put_bot(TENANT, "shop", Bot(fallback_text=fallback))
    model.outage()
    record = run(machine, say(machine, 1))
    assert (record.state, record.attempts) == (State.DELAYED, 0)
    machine.clock.advance(61)
    machine.make_visible(TASK)
    record = run(machine, record)

    [turn] = chats.turns_before(TENANT, "s-1", None, 10)
    if fallback:
        assert record.state is State.COMPLETED
        result = json.loads(record.result.inline)
        assert (result["reply"], result["fallback"], result["output_tokens"]) == (fallback, True, 0)
        assert turn.answered.is_fallback
    else:
        assert (record.state, record.error.error_class) == (State.FAILED, ErrorClass.GAVE_UP)
        assert turn.answered is None
