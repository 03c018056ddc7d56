"""The arithmetic of costs, with numbers that can be checked by hand."""

import pytest

from bench import costs, idle
from bench.costs import Used, computing_s, job_parts, lambda_parts
from bench.function_cpu import FunctionCpu

CPU = FunctionCpu(submit_ms=2.0, job_ms=3.0, stream_batch_ms=4.0)
USED = Used(
    write_units={"submit": 5.0, "worker": 7.0, "stream": 0.2},
    read_units=0.01,
    log_bytes={"API": 200.0},
    metrics=5,
    message_bytes=2200.0,
    input_bytes=1200,
    record_bytes=1900,
    cpu=CPU,
)


def usd(name: str, used: Used = USED) -> float:
    """What a million jobs cost of one item."""
    return next(part.value for part in job_parts(used) if part.name == name)


def test_a_function_computes_at_its_share_of_a_core() -> None:
    assert computing_s(10, 1769) == pytest.approx(0.010)
    assert computing_s(10, 3538) == pytest.approx(0.010), "one thread has one core at most"
    assert computing_s(10, 512) == pytest.approx(0.010 * 1769 / 512)


def test_ten_jobs_wait_for_the_model_as_one() -> None:
    worker = next(part for part in lambda_parts(CPU) if part.name == "Lambda: worker")
    seconds = 2.0 + 0.010 + 0.030 * 1769 / 512
    assert worker.value == pytest.approx(100_000 * (0.20e-6 + seconds * 0.5 * 0.0000133334))


def test_messages_cost_with_the_surcharge_of_fair_queues() -> None:
    assert usd("SQS: send") == pytest.approx(0.50)
    assert usd("SQS: receive") == pytest.approx(0.05)
    assert usd("SQS: delete") == pytest.approx(0.05)


def test_ten_large_messages_are_received_in_more_than_one_chunk() -> None:
    large = Used(**{name: getattr(USED, name) for name in Used.__slots__} | {"message_bytes": 10_000.0})
    assert usd("SQS: receive", large) == pytest.approx(0.10)


def test_write_units_are_priced_by_who_writes() -> None:
    assert usd("DynamoDB: writes of submit") == pytest.approx(5 * 0.625)
    assert usd("DynamoDB: writes of worker") == pytest.approx(7 * 0.625)


def test_storage_lasts_as_long_as_records_and_inputs_are_kept() -> None:
    gb_months = (1900 * 7 + 1200 * costs.INPUT_KEPT_DAYS) / 30 / 1000
    assert usd("DynamoDB: storage") == pytest.approx(gb_months * 0.25)


def test_metrics_are_billed_for_the_hours_in_which_jobs_run() -> None:
    assert pytest.approx(27.78, abs=0.01) == costs.HOURS
    assert usd("metrics") == pytest.approx(5 * 0.30 * costs.HOURS / 720)


def test_jobs_that_come_all_month_long_pay_for_all_of_the_month_in_metrics_and_keys() -> None:
    in_a_day = usd("metrics") + usd("KMS") + usd("Secrets Manager")
    assert costs.spread_usd(USED) == pytest.approx(in_a_day * 720 / costs.HOURS - in_a_day)


def test_what_stands_idle_is_read_off_the_template() -> None:
    template = {
        "Resources": {
            "Queue": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"ScalingConfig": {"MaximumConcurrency": 2}},
            },
            "Stream": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {}},
            "Alarm": {"Type": "AWS::CloudWatch::Alarm"},
            "Key": {"Type": "AWS::KMS::Key"},
            **{f"Dashboard{number}": {"Type": "AWS::CloudWatch::Dashboard"} for number in range(4)},
        }
    }
    parts = {part.name: part.value for part in idle.parts_of(template)}
    assert parts["event source pollers"] == pytest.approx(648_000 * 0.40e-6)
    assert parts["alarms"] == pytest.approx(0.10)
    assert (parts["keys"], parts["dashboards"]) == (1.0, 3.0)
