"""parse-command on its real worker, with and without a model."""

import json
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from backstay.errors import ErrorClass
from backstay.jobs.record import JobRecord, State
from parse_command.history import HistoryTable
from tests.integration.campaigns.conftest import RUN, TENANT, result_of, work
from tests.integration.conftest import Machine

TASK = "parse-command"
EMAIL = {
    "intent": "create_email_campaign",
    "confidence": 0.93,
    "parameters": {"name": "Summer Sale", "audience": "all customers", "offers": {"promo_code": "SUMMER20"}},
    "extracted_entities": {"promo_codes": ["SUMMER20"]},
    "summary": "Create an email campaign.",
}


def parse(house: Machine, command: Any, **more: Any) -> JobRecord:
    return work(house, TASK, {"command": command, "run_id": RUN, **more})


def test_a_model_s_reading_comes_with_what_follows_from_it(house: Machine, model: LLMock) -> None:
    model.reply(json.dumps(EMAIL))
    result = result_of(parse(house, {"text": "Email everybody: SUMMER20", "priority": "high"}))
    assert (result["intent"], result["source"], result["creates"], result["answer"]) == (
        "create_email_campaign",
        "model",
        True,
        None,
    )
    assert (result["parameters"]["type"], result["parameters"]["channels"]) == ("email", ["email"])
    assert result["parameters"]["priority"] == "high"
    assert result["workflow"] == {
        "run_id": RUN,
        "recommended_next_actions": ["schedule_campaign"],
        "continuation": ["validate_audience", "generate_content", "schedule_send"],
        "can_proceed": True,
        "requires_approval": True,
        "insights": {"commands_in_run": 1, "similar_recent": []},
    }


def test_without_a_model_the_rules_must_do_and_say_why(house: Machine, no_model: None) -> None:
    result = result_of(parse(house, "Send an SMS to our members"))
    assert (result["intent"], result["source"]) == ("create_sms_campaign", "rules")
    assert result["confidence"] <= 0.5
    assert result["workflow"]["can_proceed"] is False
    assert "clarify_requirements" in result["workflow"]["recommended_next_actions"]
    assert result["why"] == "no model can be called (no routes are given)"


def test_what_a_model_refuses_to_read_the_rules_read(house: Machine, model: LLMock) -> None:
    model.fail(400, code="content_policy_violation", message="Refused")
    result = result_of(parse(house, "List my campaigns"))
    assert (result["intent"], result["source"]) == ("list_campaigns", "rules")
    assert result["why"].startswith("moderation: ")
    assert result["answer"]["text"] == "There are no campaigns yet."


def test_a_model_that_is_down_is_waited_for(house: Machine, model: LLMock) -> None:
    model.fail(503)
    assert parse(house, "help").state is State.DELAYED


def test_the_same_words_typed_otherwise_are_asked_once(house: Machine, model: LLMock) -> None:
    parse(house, "List my campaigns", run_id=None)
    again = parse(house, "  LIST my\ncampaigns ", run_id=None)
    assert result_of(again)["source"] == "model"
    assert len(model.requests) == 1
    assert again.receipt is not None
    assert again.receipt.cost_usd == 0


@pytest.mark.parametrize(
    "more",
    [{"workflow_type": "another"}, {"context": {"user_type": "guest"}}, {"context": {"organisation": "Umbrella"}}],
)
def test_another_workflow_user_type_or_organisation_is_asked_anew(
    house: Machine, model: LLMock, more: dict[str, Any]
) -> None:
    parse(house, "List my campaigns", run_id=None)
    parse(house, "List my campaigns", run_id=None, **more)
    assert len(model.requests) == 2


def test_a_model_is_shown_what_was_said_in_the_run_before_and_insights_count_it(house: Machine, model: LLMock) -> None:
    for number in range(12):
        last = parse(house, f"command number {number}")
    shown = model.requests[-1].body["messages"][-1]["content"]
    assert [f"command number {number}" in shown for number in range(7, 12)] == [False, True, True, True, True]
    insights = result_of(last)["workflow"]["insights"]
    assert insights["commands_in_run"] == 12
    assert insights["similar_recent"] == [f"command number {number}" for number in range(10, 1, -1)]


def test_a_command_that_runs_twice_is_kept_once(house: Machine, no_model: None) -> None:
    record = parse(house, "help", context={"user": "Ada"})
    from backstay.running import Job
    from parse_command.models import Command
    from parse_command.task import task

    job = Job(id=record.id, tenant=TENANT)
    again = task.perform(Command.model_validate({"command": "help", "run_id": RUN}), job)
    assert again.workflow.insights.commands_in_run == 1
    (said,) = HistoryTable(house.env.content_table).read(TENANT, RUN).last
    assert (said.user, said.command) == ("Ada", "help")


def test_another_tenant_s_run_is_unknown(house: Machine, no_model: None) -> None:
    record = parse(house, "help", run_id=f"umbrella.{'r' * 24}")
    assert (record.state, record.error and record.error.error_class) == (State.FAILED, ErrorClass.REJECTED)


def test_a_command_of_no_run_is_a_run_of_its_own(house: Machine, no_model: None) -> None:
    record = parse(house, "help", run_id=None)
    assert result_of(record)["workflow"]["run_id"] == record.id
