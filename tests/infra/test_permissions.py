"""Who may do what."""

from itertools import chain
from pathlib import Path

import pytest

from backstay.task import USES
from tests.infra.conftest import EVERY_USE, synthesise, write_task
from tests.infra.template import Template, as_list, as_text

_WILDCARDS = (
    ":event-source-mapping:*",
    ":execution:backstay-dev-*",
    "/live/POST/@connections/*",
    ":schedule/backstay-dev-jobs/*",
    ":secret:backstay/dev/outbound/*",
    ":secret:backstay/dev/webhook/*",
    ":stateMachine:backstay-dev-*",
)


def test_every_use_that_a_task_may_declare_has_grants(derived: Template) -> None:
    assert "backstay-dev-reach-everything" in derived.functions()  # it was synthesised, with every use there is
    assert EVERY_USE == USES


def test_wildcards_are_the_few_that_have_a_reason(derived: Template) -> None:
    listing = {"lambda:ListEventSourceMappings"}, {"dynamodb:ListStreams"}  # they take no resource
    for policy, statement in derived.all_statements():
        for resource in map(as_text, as_list(statement["Resource"])):
            if resource == "*":
                actions = set(as_list(statement["Action"])) - {"xray:PutTraceSegments"}  # nor does this
                is_machine_s = {action.partition(":")[0] for action in actions} <= {"logs", "xray"}  # nor do these
                assert actions in listing or is_machine_s, policy
            elif "*" in resource:
                is_payload = resource.startswith("StoragePayloads") and resource.endswith("/*")
                assert is_payload or resource.endswith(_WILDCARDS), (policy, resource)


def test_no_action_is_a_wildcard_but_one_of_cdks_own_on_the_key(derived: Template) -> None:
    wide = {
        (policy[:7], action)
        for policy, statement in derived.all_statements()
        for action in as_list(statement["Action"])
        if "*" in action
    }
    assert wide == {
        (policy, action)
        for policy in ("Alertin", "Changes", "LedgerF")
        for action in ("kms:GenerateDataKey*", "kms:ReEncrypt*")
    }


def test_no_role_carries_a_managed_policy(derived: Template) -> None:
    assert all("ManagedPolicyArns" not in role for role in derived.of_type("AWS::IAM::Role").values())


def test_a_worker_sends_to_its_own_queues_and_to_the_webhooks_only(derived: Template) -> None:
    queues = {
        derived.id_of("AWS::SQS::Queue", "QueueName", f"backstay-dev-{name}")
        for name in ("add-numbers", "add-numbers-dead", "deliver-webhook")
    }
    assert derived.resources_of("backstay-dev-add-numbers", "sqs:SendMessage") == queues


@pytest.mark.parametrize("function", ["api", "sweep", "reach-everything"])
def test_who_runs_all_jobs_sends_to_every_tasks_queues(derived: Template, function: str) -> None:
    names = [name for name in derived.queues() if not name.endswith(("-dead", "-live"))]  # neither is a task's
    queues = {derived.id_of("AWS::SQS::Queue", "QueueName", name) for name in names}
    assert queues <= derived.resources_of(f"backstay-dev-{function}", "sqs:SendMessage")


def test_secrets_are_read_only_where_they_are_used(derived: Template) -> None:
    readers = {name for name in derived.functions() if derived.resources_of(name, "secretsmanager:GetSecretValue")}
    assert readers == {"backstay-dev-deliver-webhook", "backstay-dev-reach-everything", "backstay-dev-try-provider"}


def test_the_api_sees_whether_providers_have_keys_and_reads_none(derived: Template) -> None:
    seen = derived.resources_of("backstay-dev-api", "secretsmanager:DescribeSecret")
    assert seen
    assert seen == derived.resources_of("backstay-dev-try-provider", "secretsmanager:GetSecretValue")
    assert all(":secret:backstay/dev/provider/" in secret for secret in seen)


def test_only_the_api_invokes_a_function_and_only_the_one_that_tries_providers(derived: Template) -> None:
    invoked = {name: derived.resources_of(name, "lambda:InvokeFunction") for name in derived.functions()}
    tries = derived.id_of("AWS::Lambda::Function", "FunctionName", "backstay-dev-try-provider")
    assert {name: found for name, found in invoked.items() if found} == {"backstay-dev-api": {tries}}


def test_the_webhook_task_reads_no_provider_key(derived: Template) -> None:
    (secrets,) = derived.resources_of("backstay-dev-deliver-webhook", "secretsmanager:GetSecretValue")
    assert secrets.endswith(":secret:backstay/dev/webhook/*")


def test_the_api_reads_keys_and_never_writes_them(derived: Template) -> None:
    keys, _ = derived.starting("AWS::DynamoDB::Table", "StorageKeys")
    actions = set(
        chain.from_iterable(
            as_list(statement["Action"])
            for statement in derived.statements_of("backstay-dev-api")
            if keys in map(as_text, as_list(statement["Resource"]))
        )
    )
    assert actions == {"dynamodb:GetItem"}


def test_nobody_but_who_lets_in_and_who_deletes_tenants_looks_at_keys(derived: Template) -> None:
    keys, _ = derived.starting("AWS::DynamoDB::Table", "StorageKeys")
    letting_in = {"backstay-dev-api", "backstay-dev-live"}
    for name in set(derived.functions()) - letting_in - {"backstay-dev-reach-everything"}:
        assert all(keys not in resource for resource in derived.resources_of(name, "dynamodb:GetItem"))


def test_only_one_function_pushes_over_sockets_and_only_those_who_see_changes_tell_it(derived: Template) -> None:
    pushers = {name for name in derived.functions() if derived.resources_of(name, "execute-api:ManageConnections")}
    assert pushers == {"backstay-dev-live"}
    queue = derived.id_of("AWS::SQS::Queue", "QueueName", "backstay-dev-live")
    tellers = {name for name in derived.functions() if queue in derived.resources_of(name, "sqs:SendMessage")}
    assert tellers == {f"backstay-dev-{name}" for name in ("follow-changes", "route-alerts", "watch-workflows")}


def test_who_issues_tickets_opens_no_socket_and_sees_none(derived: Template) -> None:
    connections, _ = derived.starting("AWS::DynamoDB::Table", "StorageConnections")
    actions = {
        action
        for statement in derived.statements_of("backstay-dev-api")
        for resource in map(as_text, as_list(statement["Resource"]))
        if connections in resource
        for action in as_list(statement["Action"])
    }
    assert actions == {"dynamodb:PutItem"}


def test_pausing_reaches_this_stages_functions_only(derived: Template) -> None:
    (statement,) = [
        statement
        for statement in derived.statements_of("backstay-dev-api")
        if "lambda:UpdateEventSourceMapping" in as_list(statement["Action"])
    ]
    arn = as_text(statement["Condition"]["ArnLike"]["lambda:FunctionArn"])
    assert arn.endswith(":function:backstay-dev-*")


def test_the_schedulers_role_sends_to_this_stages_queues_and_nothing_else(derived: Template) -> None:
    (policy,) = [
        policy
        for logical_id, policy in derived.of_type("AWS::IAM::Policy").items()
        if logical_id.startswith("SchedulesRole")
    ]
    statements = policy["PolicyDocument"]["Statement"]
    actions = set(chain.from_iterable(as_list(statement["Action"]) for statement in statements))
    assert {action for action in actions if not action.startswith("kms:")} == {"sqs:SendMessage"}


def test_what_is_passed_to_the_scheduler_is_passed_to_nobody_else(derived: Template) -> None:
    for _, statement in derived.all_statements():
        if "iam:PassRole" in as_list(statement["Action"]):
            assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def test_alarms_may_be_published_to_their_encrypted_topic(derived: Template) -> None:
    (policy,) = derived.of_type("AWS::SNS::TopicPolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    publishers = {"cloudwatch.amazonaws.com"}
    assert {s["Principal"]["Service"] for s in allowed} == publishers
    (key,) = derived.of_type("AWS::KMS::Key").values()
    services = [s["Principal"].get("Service") for s in key["KeyPolicy"]["Statement"]]
    assert publishers <= {service for service in services if isinstance(service, str)}


def test_who_calls_models_of_bedrock_under_its_role_may_invoke_them_and_nobody_else_may(
    tmp_path: Path, functions: Path
) -> None:
    config = tmp_path / "backstay.toml"
    config.write_text('[providers.bedrock]\nkind = "bedrock"\nregions = ["eu-central-1"]\n')
    write_task(functions, "dream", 'uses=("llm",)')
    write_task(functions, "wake")
    template = synthesise(tmp_path / "out", functions=str(functions), config=str(config))  # cdk-nag is content
    allowed = {
        (policy, as_text(resource))
        for policy, statement in template.all_statements()
        if "bedrock:InvokeModel" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }
    assert {policy[:5] for policy, _ in allowed} == {"Dream", "Provi"}  # and who tries providers
    assert {resource.rpartition(":")[2] for _, resource in allowed} == {"foundation-model/*", "inference-profile/*"}
