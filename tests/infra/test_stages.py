"""What is the same on every stage, and what is not."""

from typing import Any

import pytest

from infra.stage import UnknownStageError, stage_named
from tests.infra.template import Template


def _policies(template: Template, type_name: str) -> set[str]:
    return {r.get("DeletionPolicy", "") for r in template.body["Resources"].values() if r["Type"] == type_name}


def _pitr(table: dict[str, Any]) -> bool:
    return bool(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])


def test_prod_keeps_its_data_when_the_stack_goes(prod: Template) -> None:
    for kept in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue"):
        assert _policies(prod, kept) == {"Retain"}
    assert all(table["DeletionProtectionEnabled"] for table in prod.of_type("AWS::DynamoDB::Table").values())


def test_dev_leaves_nothing_behind(dev: Template) -> None:
    for gone in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue", "AWS::Logs::LogGroup"):
        assert _policies(dev, gone) == {"Delete"}


def test_prod_can_be_put_back_to_any_second_and_dev_cannot(dev: Template, prod: Template) -> None:
    assert all(_pitr(table) for table in prod.of_type("AWS::DynamoDB::Table").values())
    assert not any(_pitr(table) for table in dev.of_type("AWS::DynamoDB::Table").values())


def test_prod_keeps_logs_longer(dev: Template, prod: Template) -> None:
    days = {
        template.path.name: {group["RetentionInDays"] for group in template.of_type("AWS::Logs::LogGroup").values()}
        for template in (dev, prod)
    }
    assert days == {"Backstay-dev.template.json": {7}, "Backstay-prod.template.json": {90}}


def test_physical_names_carry_the_stage(dev: Template, prod: Template) -> None:
    for template, stage in ((dev, "dev"), (prod, "prod")):
        names = {*template.queues(), *template.functions(), *template.named("AWS::CloudWatch::Alarm", "AlarmName")}
        assert all(name.startswith(f"backstay-{stage}-") for name in names)


def test_tables_and_bucket_have_generated_names(prod: Template) -> None:
    assert all("TableName" not in table for table in prod.of_type("AWS::DynamoDB::Table").values())
    assert all("BucketName" not in bucket for bucket in prod.of_type("AWS::S3::Bucket").values())


def test_one_call_to_the_key_serves_many_messages_and_objects(prod: Template) -> None:
    assert all(queue["KmsDataKeyReusePeriodSeconds"] == 86_400 for queue in prod.queues().values())
    (bucket,) = prod.of_type("AWS::S3::Bucket").values()
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True


def test_payloads_go_when_nobody_can_ask_for_them_any_more(prod: Template) -> None:
    (bucket,) = prod.of_type("AWS::S3::Bucket").values()
    days = {r["Prefix"]: r["ExpirationInDays"] for r in bucket["LifecycleConfiguration"]["Rules"] if "Prefix" in r}
    assert days["uploads/"] == 1
    assert 7 < days["results/"] < 30
    assert days["steps/"] > 60, "a run may wait a month for a person, and then read what its first step answered"
    assert days["inputs/"] > 366 + 30  # a job may wait a year for its day


def test_functions_run_on_the_newest_runtime_and_write_json_logs(prod: Template) -> None:
    for function in prod.functions().values():
        assert function["Runtime"] == "python3.14"
        assert function["Architectures"] == ["arm64"]
        logging = function["LoggingConfig"]
        assert (logging["LogFormat"], logging["SystemLogLevel"], logging["ApplicationLogLevel"]) == (
            "JSON",
            "WARN",
            "INFO",
        )
        assert logging["LogGroup"]


def test_the_jobs_table_is_as_the_code_expects_it(prod: Template) -> None:
    (jobs,) = [
        t for logical_id, t in prod.of_type("AWS::DynamoDB::Table").items() if logical_id.startswith("StorageJobs")
    ]
    assert jobs["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert jobs["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert jobs["BillingMode"] == "PAY_PER_REQUEST"
    indexes = {
        index["IndexName"]: (
            [key["AttributeName"] for key in index["KeySchema"]],
            index["Projection"]["ProjectionType"],
        )
        for index in jobs["GlobalSecondaryIndexes"]
    }
    assert indexes == {
        "by_state": (["state_key", "state_at"], "KEYS_ONLY"),
        "by_tenant": (["tenant_key", "created_at"], "KEYS_ONLY"),
        "by_budget": (["budget_key", "state_at"], "KEYS_ONLY"),
    }


def test_an_unknown_stage_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownStageError, match=r"'staging'.*dev, prod"):
        stage_named("staging")
