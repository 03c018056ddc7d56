"""What lies anywhere lies under the stage's key, and nothing travels without TLS.

Nothing that is kept is forgotten here: a kind of resource that no list knows fails.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.template import Properties, Template, as_list, as_text

KEPT = {
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
}
"""Where data lies, and the property that names the key."""
KEEPS_NO_DATA = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
UNDER_AWS_OWN_KEY = {
    "AWS::Scheduler::ScheduleGroup": "a schedule holds a message, which names a job",
    "AWS::StepFunctions::StateMachine": "an execution holds ids, and the few facts that a saga's steps pass on",
}
"""docs/security.md says so too."""


@pytest.fixture(params=["dev", "prod"])
def template(request: pytest.FixtureRequest) -> Template:
    stack: Template = request.getfixturevalue(request.param)
    return stack


def test_it_is_known_of_every_kind_of_resource_whether_it_keeps_data(template: Template) -> None:
    kinds = {resource["Type"] for resource in template.body["Resources"].values()}
    assert kinds <= KEPT.keys() | KEEPS_NO_DATA | UNDER_AWS_OWN_KEY.keys()


@pytest.mark.parametrize("kind", KEPT)
def test_all_that_keeps_data_keeps_it_under_the_stage_s_key(template: Template, kind: str) -> None:
    (key,) = template.of_type("AWS::KMS::Key")
    kept = template.of_type(kind)
    assert kept
    for logical_id, properties in kept.items():
        named = json.dumps(properties[KEPT[kind]])
        assert f'{{"Fn::GetAtt": ["{key}", "Arn"]}}' in named, logical_id


def test_the_key_rotates_and_outlives_a_mistake(template: Template) -> None:
    (key,) = template.of_type("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True
    assert key["PendingWindowInDays"] >= 7


def denied_without_tls(template: Template, kind: str, whose: str) -> Iterator[str]:
    """What the policies of this kind let nobody do without TLS."""
    for policy in template.of_type(kind).values():
        if any(is_refusal_without_tls(statement) for statement in policy["PolicyDocument"]["Statement"]):
            yield from map(as_text, as_list(policy[whose]))


def is_refusal_without_tls(statement: Properties) -> bool:
    everybody: Any = statement["Principal"]
    return (
        statement["Effect"] == "Deny"
        and everybody in ("*", {"AWS": "*"})
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Action"] in ("s3:*", "sqs:*", "sns:Publish")
    )


@pytest.mark.parametrize(
    ("kind", "policy", "whose"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    ],
)
def test_bucket_queues_and_topic_refuse_what_comes_without_tls(
    template: Template, kind: str, policy: str, whose: str
) -> None:
    assert set(denied_without_tls(template, policy, whose)) == template.of_type(kind).keys()


def test_the_bucket_is_nobody_else_s_and_never_public(template: Template) -> None:
    (bucket,) = template.of_type("AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_no_secret_stands_in_the_template(template: Template) -> None:
    """Names of secrets do; values come by `backstay secrets set` and are in no file."""
    assert not template.of_type("AWS::SecretsManager::Secret")
    for name, function in template.functions().items():
        for variable, value in function["Environment"]["Variables"].items():
            assert not variable.endswith(("_KEY", "_SECRET", "_TOKEN", "_PASSWORD")), (name, variable)
            assert "sk-" not in as_text(value) if isinstance(value, str) else True
