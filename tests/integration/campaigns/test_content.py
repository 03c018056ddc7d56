"""generate-content and compensate-content on their real workers: what is made, and that nothing of it stays."""

import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from llmock.pytest_plugin import LLMock

from backstay import aws
from backstay.campaigns.listing import CampaignList
from backstay.clock import utc_now
from backstay.errors import ErrorClass, Rejected
from backstay.jobs.record import JobRecord, State
from backstay.running import Job
from backstay.workflows.resources import Resource, ResourceTable
from backstay.workflows.run import RunRecord, RunState
from backstay.workflows.run_store import RunStore
from tests.integration.campaigns.conftest import RUN, TENANT, result_of, work
from tests.integration.conftest import Machine

BRIEF = {
    "campaign_id": "summer",
    "run_id": RUN,
    "name": "Summer Sale",
    "type": "email",
    "channels": ["sms"],
    "offers": {"promo_code": "SUMMER20"},
    "message": "Come in!",
}
COPY = {
    "texts": [
        {"channel": "email", "subject": "Sale", "body": "**Come** in! SUMMER20"},
        {"channel": "sms", "subject": None, "body": f"{'Come to our shop. ' * 12}Use SUMMER20."},
    ]
}


def generate(house: Machine, **more: Any) -> JobRecord:
    return work(house, "generate-content", {**BRIEF, **more})


def compensate(house: Machine, wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    return result_of(work(house, "compensate-content", wanted, **more))


def campaigns_of(house: Machine) -> CampaignList:
    return CampaignList(house.env.content_table, RunStore(house.env.workflows_table))


def started(run_id: str) -> RunRecord:
    now = utc_now()
    return RunRecord(
        run_id, "launch-campaign", RunState.RUNNING, "k", "d", started_at=now, changed_at=now, begun_at=now
    )


def items(table: str) -> set[str]:
    return {item["part"]["S"] for item in aws.dynamodb().scan(TableName=table)["Items"]}


def cached(house: Machine, key: str) -> bool:
    return "Item" in aws.dynamodb().get_item(TableName=house.env.cache_table, Key={"key": {"S": key}})


def test_a_model_s_texts_are_kept_as_drafts_of_the_run_within_their_limits(house: Machine, model: LLMock) -> None:
    model.reply(json.dumps(COPY))
    record = generate(house)
    result, step = result_of(record), record.id.rsplit(".", 1)[-1]
    email, sms = result["content"]["email"], result["content"]["sms"]
    assert (email["subject"], email["body"], email["source"], email["repairs"]) == (
        "Sale",
        "**Come** in! SUMMER20",
        "model",
        [],
    )
    assert len(sms["body"]) <= 160
    assert sms["body"].endswith("Code: SUMMER20")
    assert sms["repairs"][0] == "the body had 229 characters and was cut to 160"
    assert result["content"]["push"] is None
    assert result["content_ids"] == [f"{step}-email", f"{step}-sms"]
    assert result["source"] == "model"
    assert {f"run#{RUN}#draft#{content_id}" for content_id in result["content_ids"]} < items(house.env.content_table)


def test_templates_and_validators_are_held_by_the_run(house: Machine, no_model: None) -> None:
    result = result_of(generate(house))
    owned = ResourceTable(house.env.workflows_table).owned(RUN)
    assert {resource.model_dump_json() for resource in owned} == {
        Resource(**resource).model_dump_json() for resource in result["resources"]
    }
    assert sorted(resource.type for resource in owned) == ["template", "template", "validator", "validator"]


def test_without_a_model_templates_must_do_and_are_marked(house: Machine, no_model: None) -> None:
    result = result_of(generate(house))
    assert (result["source"], result["why"]) == ("template", "no model can be called (no routes are given)")
    assert result["content"]["sms"]["body"] == "With code SUMMER20. Come in!"
    assert result["content"]["sms"]["source"] == "template"
    assert result["cache_keys"] == []


def test_a_channel_that_the_model_forgot_gets_a_template_and_says_so(house: Machine, model: LLMock) -> None:
    model.reply(json.dumps({"texts": [COPY["texts"][0], {"channel": "sms", "subject": None, "body": " "}]}))
    result = result_of(generate(house))
    assert (result["source"], result["content"]["sms"]["source"]) == ("model", "template")
    assert result["content"]["sms"]["repairs"] == ["the model wrote nothing for this channel"]


def test_what_a_model_refuses_to_write_templates_say(house: Machine, model: LLMock) -> None:
    model.fail(400, code="content_policy_violation", message="Refused")
    result = result_of(generate(house))
    assert result["source"] == "template"
    assert result["why"].startswith("moderation: ")


def test_a_model_that_is_down_is_waited_for_and_nothing_is_kept(house: Machine, model: LLMock) -> None:
    model.fail(503)
    assert generate(house).state is State.DELAYED
    assert items(house.env.content_table) == set()


def test_a_step_that_runs_again_answers_what_it_has_made(house: Machine, model: LLMock) -> None:
    model.reply(json.dumps(COPY))
    record = generate(house)
    from generate_content.models import Brief
    from generate_content.task import task

    model.reply(json.dumps({"texts": []}))
    again = task.perform(Brief.model_validate(BRIEF), Job(id=record.id, tenant=TENANT))
    assert again.model_dump(mode="json") == result_of(record)
    assert len(model.requests) == 1


def test_of_two_attempts_at_once_the_first_to_keep_its_drafts_wins(house: Machine, no_model: None) -> None:
    from generate_content import generating
    from generate_content.models import Brief
    from generate_content.task import _generating

    job, late = Job(id=RUN, tenant=TENANT), Brief.model_validate({**BRIEF, "message": "Too late."})
    first = _generating().generate(Brief.model_validate(BRIEF), job)
    second = generating.Generating(_generating()._drafts).generate_by_template(late, job, "slow")
    assert second == first


def test_a_campaign_is_listed_until_it_is_taken_back(house: Machine, no_model: None) -> None:
    result, campaigns = result_of(generate(house)), campaigns_of(house)
    (listed,) = campaigns.newest(TENANT)
    assert listed.state is None
    RunStore(house.env.workflows_table).create(started(RUN), {"id": RUN, "part": "input"})
    (listed,) = campaigns.newest(TENANT)
    assert listed.state == "running"
    assert (listed.run_id, listed.name, listed.channels) == (RUN, "Summer Sale", ("email", "sms"))
    assert campaigns.newest("umbrella") == ()
    answer = result_of(work(house, "parse-command", {"command": "List my campaigns"}))["answer"]
    assert answer["text"].startswith("Summer Sale: running, drafts for email, sms, made 20")
    compensate(house, result["compensation"])
    assert campaigns.newest(TENANT) == ()


def test_the_newest_campaigns_are_listed_first(house: Machine, no_model: None) -> None:
    for number in range(12):
        work(house, "generate-content", {"campaign_id": f"c{number}"})
    listed = campaigns_of(house).newest(TENANT, most=3)
    assert [one.campaign_id for one in listed] == ["c11", "c10", "c9"]


@pytest.mark.parametrize("told", ["all that it answered", "only the run"])
def test_nothing_of_a_run_s_content_stays(house: Machine, model: LLMock, told: str) -> None:
    model.reply(json.dumps(COPY))
    result = result_of(generate(house))
    assert cached(house, result["cache_keys"][0])
    wanted = result["compensation"] if told == "all that it answered" else {"saga_id": RUN}
    answer = compensate(house, wanted)
    assert (answer["saga_id"], answer["compensated"]) == (RUN, True)
    content, resources, cache = answer["results"]
    assert (content["type"], content["success"], sorted(content["items"])) == ("content", True, result["content_ids"])
    assert sorted(resources["items"]) == sorted(resource["name"] for resource in result["resources"])
    assert (cache["type"], cache["items"]) == ("cache", result["cache_keys"])
    assert items(house.env.content_table) == {f"run#{RUN}#closed"}
    assert items(house.env.workflows_table) == set()
    assert not cached(house, result["cache_keys"][0])


def test_taking_back_twice_is_taking_back_once(house: Machine, no_model: None) -> None:
    result = result_of(generate(house))
    first = compensate(house, result["compensation"], idempotency_key="1")
    assert compensate(house, result["compensation"], idempotency_key="2") == first
    empty = compensate(house, {"saga_id": RUN}, idempotency_key="3")
    assert [kind["items"] for kind in empty["results"]] == [[], [], []]
    assert empty["compensated"]


def test_a_run_that_never_made_anything_is_compensated_too(house: Machine) -> None:
    assert compensate(house, {"saga_id": RUN})["compensated"]


def test_a_worker_that_lags_behind_adds_nothing_to_a_run_that_was_taken_back(house: Machine, no_model: None) -> None:
    compensate(house, {"saga_id": RUN})
    record = generate(house)
    assert (record.state, record.error and record.error.error_class) == (State.FAILED, ErrorClass.REJECTED)
    assert items(house.env.content_table) == {f"run#{RUN}#closed"}
    assert items(house.env.workflows_table) == set()


def test_only_the_drafts_that_are_named_are_taken_back(house: Machine, no_model: None) -> None:
    result = result_of(generate(house))
    email, sms = result["content_ids"]
    compensate(house, {"saga_id": RUN, "content_ids": [email], "resources": [], "cache_keys": []})
    left = items(house.env.content_table)
    assert f"run#{RUN}#draft#{sms}" in left
    assert f"run#{RUN}#draft#{email}" not in left
    compensate(house, {"saga_id": RUN})
    assert items(house.env.content_table) == {f"run#{RUN}#closed"}
    assert items(house.env.workflows_table) == set()


def test_another_run_s_drafts_are_out_of_reach(house: Machine, no_model: None) -> None:
    result, other = result_of(generate(house)), f"{TENANT}.{'o' * 24}"
    compensate(house, {**result["compensation"], "saga_id": other})
    assert len(items(house.env.workflows_table)) == 4
    assert len([part for part in items(house.env.content_table) if "#draft#" in part]) == 2


@pytest.mark.parametrize("task", ["generate-content", "compensate-content"])
def test_another_tenant_s_run_is_unknown(house: Machine, no_model: None, task: str) -> None:
    run = f"umbrella.{'r' * 24}"
    record = work(house, task, {**BRIEF, "run_id": run} if task == "generate-content" else {"saga_id": run})
    assert (record.state, record.error and record.error.error_class) == (State.FAILED, ErrorClass.REJECTED)


def test_what_was_handed_to_another_run_is_left_to_it(house: Machine, no_model: None) -> None:
    result, heir = result_of(generate(house)), f"{TENANT}.{'h' * 24}"
    table, name = house.env.workflows_table, result["resources"][0]["name"]
    item = {"id": {"S": heir}, "part": {"S": f"resource#{name}"}, "type": {"S": "template"}, "name": {"S": name}}
    aws.dynamodb().put_item(TableName=table, Item=item)
    aws.dynamodb().delete_item(TableName=table, Key={"id": {"S": RUN}, "part": {"S": f"resource#{name}"}})
    compensate(house, result["compensation"])
    assert [resource.name for resource in ResourceTable(table).owned(heir)] == [name]


def test_a_job_that_dies_half_way_finds_again_what_is_left(house: Machine, no_model: None) -> None:
    generate(house)
    deletes = iter(range(100))

    def fail(**_: Any) -> None:
        if next(deletes) == 5:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    aws.dynamodb().meta.events.register("before-call.dynamodb.DeleteItem", fail)
    record = work(house, "compensate-content", {"saga_id": RUN})
    assert (record.state, record.reason) == (State.DELAYED, "unreachable")
    house.clock.advance(900)
    house.make_visible("compensate-content")
    house.deliver("compensate-content", remaining_ms=75_000)
    assert result_of(house.record(record.id))["compensated"]
    assert items(house.env.content_table) == {f"run#{RUN}#closed"}
    assert items(house.env.workflows_table) == set()


def test_a_cache_that_is_down_keeps_nobody_from_undoing_the_rest(
    house: Machine, no_model: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = result_of(generate(house))
    aws.dynamodb().delete_table(TableName=house.env.cache_table)
    answer = compensate(house, {**result["compensation"], "cache_keys": ["0" * 64]})
    *_, cache = answer["results"]
    assert (answer["compensated"], cache["success"], cache["items"]) == (True, False, [])
    assert "ResourceNotFound" in cache["why"]
    assert items(house.env.workflows_table) == set()


def test_a_transaction_that_meets_another_is_tried_again_later(house: Machine, no_model: None) -> None:
    from backstay.errors import WorkError
    from generate_content.models import Brief
    from generate_content.task import _generating

    client = aws.dynamodb()

    def conflict(**_: Any) -> None:
        reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
        raise client.exceptions.TransactionCanceledException(
            {"Error": {"Code": "TransactionCanceledException", "Message": "conflict"}, "CancellationReasons": reasons},
            "TransactWriteItems",
        )

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", conflict)
    with pytest.raises(WorkError) as caught:
        _generating().generate(Brief.model_validate(BRIEF), Job(id=RUN, tenant=TENANT))
    assert caught.value.failure.error_class is ErrorClass.UNREACHABLE
    assert not isinstance(caught.value, Rejected)
