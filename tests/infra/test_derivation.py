"""What is deployed follows from the folders below functions/."""

from pathlib import Path

from backstay.catalog import Catalog
from infra.packages import REPOSITORY
from infra.stack import describe
from tests.infra.conftest import write_task
from tests.infra.template import Template


def test_a_folder_with_a_task_becomes_queue_dead_letter_queue_and_worker(derived: Template) -> None:
    assert {"backstay-dev-add-numbers", "backstay-dev-add-numbers-dead"} <= set(derived.queues())
    worker = derived.functions()["backstay-dev-add-numbers"]
    assert worker["Handler"] == "backstay.jobs.entry.handler"
    assert worker["Environment"]["Variables"]["BACKSTAY_TASK"] == "add-numbers"


def test_every_task_of_this_repository_is_deployed(dev: Template) -> None:
    tasks = {path.parent.name.replace("_", "-") for path in (REPOSITORY / "functions").glob("*/task.py")}
    assert tasks
    for task in tasks:
        assert f"backstay-dev-{task}" in dev.functions()
        assert f"backstay-dev-{task}-dead" in dev.queues()
        assert dev.sources_of(f"backstay-dev-{task}")


def test_a_task_with_priorities_has_a_queue_and_an_event_source_for_each(derived: Template) -> None:
    queues = {name for name in derived.queues() if name.startswith("backstay-dev-add-in-order")}
    assert queues == {f"backstay-dev-add-in-order-{kind}" for kind in ("high", "normal", "low", "dead")}
    assert len(derived.sources_of("backstay-dev-add-in-order")) == 3


def test_concurrency_becomes_batch_size_and_maximum_concurrency(derived: Template) -> None:
    for source in derived.sources_of("backstay-dev-add-in-order"):  # concurrency 6
        assert source["BatchSize"] == 3
        assert source["ScalingConfig"] == {"MaximumConcurrency": 2}
    (alone,) = derived.sources_of("backstay-dev-reach-everything")  # concurrency 1
    assert alone["BatchSize"] == 1
    assert alone["ScalingConfig"] == {"MaximumConcurrency": 2}  # AWS takes no less


def test_the_synthesis_tells_what_comes_of_a_tasks_concurrency(functions: Path) -> None:
    write_task(functions, "add-slowly", "priorities=True, concurrency=6, timeout=100")
    assert describe(Catalog(functions).get("add-slowly")) == (
        "add-slowly: 3 queues, each up to 6 jobs at once (2 workers with batches of 3); timeout 115 s, lease 146 s"
    )


def test_messages_are_acknowledged_one_by_one(derived: Template) -> None:
    for source in derived.sources_of("backstay-dev-add-numbers"):
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["MaximumBatchingWindowInSeconds"] == 1


def test_a_queue_hides_messages_for_as_long_as_a_claim_holds(derived: Template) -> None:
    function = derived.functions()["backstay-dev-add-in-order"]
    assert function["Timeout"] == 100 + 15
    assert function["MemorySize"] == 1024
    queue = derived.queues()["backstay-dev-add-in-order-high"]
    assert queue["VisibilityTimeout"] == function["Timeout"] + 1 + 30


def test_the_queue_gives_up_only_long_after_the_job_would_have(derived: Template) -> None:
    redrive = derived.queues()["backstay-dev-add-numbers"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 100


def test_a_dead_letter_has_room_for_its_attributes_beside_the_longest_message(derived: Template) -> None:
    queues = derived.queues()
    assert queues["backstay-dev-add-numbers"]["MaximumMessageSize"] == 1_048_576 - 4_096
    assert "MaximumMessageSize" not in queues["backstay-dev-add-numbers-dead"]


def test_no_function_reserves_concurrency(dev: Template) -> None:
    assert all("ReservedConcurrentExecutions" not in function for function in dev.functions().values())


def test_only_tasks_that_call_a_model_and_the_function_that_tries_providers_carry_the_sdks(derived: Template) -> None:
    layers = {name: len(function["Layers"]) for name, function in derived.functions().items()}
    assert layers.pop("backstay-dev-reach-everything") == 2
    assert layers.pop("backstay-dev-try-provider") == 2
    assert set(layers.values()) == {1}


def test_the_stream_brings_changes_of_state_only(dev: Template) -> None:
    (source,) = dev.sources_of("backstay-dev-follow-changes")
    assert source["FilterCriteria"] == {"Filters": [{"Pattern": '{"dynamodb":{"Keys":{"part":{"S":["state"]}}}}'}]}
    assert source["BatchSize"] == 200
    assert source["BisectBatchOnFunctionError"] is False
    assert source["DestinationConfig"]["OnFailure"]["Destination"]


def test_the_sweeper_runs_every_five_minutes(dev: Template) -> None:
    rules = dev.of_type("AWS::Events::Rule").values()
    assert [rule["ScheduleExpression"] for rule in rules if "Sweep" in str(rule["Targets"])] == ["rate(5 minutes)"]
    assert dev.functions()["backstay-dev-sweep"]["Timeout"] < 300


def test_the_api_leads_every_request_to_its_function(dev: Template) -> None:
    _, route = dev.starting("AWS::ApiGatewayV2::Route", "ApiHttp")
    assert route["RouteKey"] == "$default"


def test_the_socket_s_routes_are_those_that_open_and_close_it(dev: Template) -> None:
    keys = {route["RouteKey"] for route in dev.of_type("AWS::ApiGatewayV2::Route").values()}
    assert keys == {"$default", "$connect", "$disconnect"}  # the first is the HTTP API's


def test_every_api_is_logged_and_throttled(dev: Template) -> None:
    stages = dev.named("AWS::ApiGatewayV2::Stage", "StageName")
    assert set(stages) == {"$default", "live"}
    for stage in stages.values():
        assert stage["AccessLogSettings"]["DestinationArn"]
        assert "query" not in stage["AccessLogSettings"]["Format"].lower()  # where tickets are
        assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0


def test_what_is_to_be_pushed_is_kept_for_a_minute(dev: Template) -> None:
    assert dev.queues()["backstay-dev-live"]["MessageRetentionPeriod"] == 60
    (source,) = dev.sources_of("backstay-dev-live")
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "MaximumBatchingWindowInSeconds" not in source


def test_every_queue_and_function_is_watched(derived: Template) -> None:
    alarms = derived.named("AWS::CloudWatch::Alarm", "AlarmName")
    wanted = {f"worker.queue_depth/add-in-order-{queue}" for queue in ("high", "normal", "low")}
    wanted |= {"worker.dead_letter/add-in-order", "worker.dead_letter/follow-changes"}
    wanted |= {"worker.unhealthy/add-in-order:errors", "worker.unhealthy/add-in-order:slow"}
    wanted |= {f"system.crashed/{name}" for name in ("api", "sweep", "follow-changes")}
    assert {f"backstay-dev-{name}" for name in wanted} <= set(alarms)
    deep = alarms["backstay-dev-worker.queue_depth/add-in-order-high"]
    assert deep["Threshold"] == 1000
    assert deep["Period"] * deep["EvaluationPeriods"] == 600
    assert all(alarm["AlarmActions"] and alarm["OKActions"] for alarm in alarms.values())


def test_the_stack_tells_what_the_command_line_needs(dev: Template) -> None:
    assert {
        "ApiUrl",
        "ContentTable",
        "JobsTable",
        "KeysTable",
        "PayloadsBucket",
        "QueueUrlPrefix",
        "ScheduleGroup",
        "SecretPrefix",
        "Stage",
    } <= set(dev.body["Outputs"])


def test_every_function_is_told_all_that_the_environment_reads(dev: Template) -> None:
    from dataclasses import fields

    from backstay.settings import Environment

    wanted = {f"BACKSTAY_{field.name.upper()}" for field in fields(Environment)}
    for name, function in dev.functions().items():
        assert wanted <= set(function["Environment"]["Variables"]), name
