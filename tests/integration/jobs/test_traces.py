"""One trace from a message to the callback, and the job's id in every line, against moto."""

import json
from typing import Any

import pytest

from backstay import aws
from backstay.jobs.submit import Submission
from backstay.tracing.context import TraceContext
from backstay.tracing.sampling import SAMPLE_VARIABLE, Sampling
from backstay.tracing.spans import SpanKind, gathering, span

pytestmark = pytest.mark.usefixtures("_info")

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


@pytest.fixture
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What was logged, with all that the lines carry."""
    return [vars(record) for record in caplog.records if record.name.startswith("service")]


def submit_traced(machine: Any, **work: Any) -> Any:
    """Submit a job in a request that is traced; answers its record."""
    with gathering(CALLER, "api"), span("POST /api/jobs", SpanKind.SERVER):
        return machine.submitter.submit(Submission(task="obey", input=work)).record


def spans_of(logged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for line in logged for one in line.get("spans", [])]


def test_a_job_goes_on_with_the_trace_of_its_request_in_the_queue_and_in_the_worker(machine, caplog):
    record = submit_traced(machine, text="hello")
    place = TraceContext.of_text(machine.record(record.id).trace)
    assert place.trace_id == CALLER.trace_id
    assert place.span_id not in (None, CALLER.span_id)

    (message,) = machine.receive("obey")
    assert message["attributes"]["AWSTraceHeader"] == place.xray_header
    machine.make_visible("obey")
    machine.deliver("obey")

    logged = lines(caplog)
    wait, process = spans_of(logged)
    assert (wait["name"], process["name"]) == ("wait obey", "process obey")
    assert wait["parent"] == process["parent"] == place.span_id
    assert process["attributes"]["backstay.job.id"] == record.id
    assert process["attributes"]["backstay.outcome"] == "completed"
    assert {line["job_id"] for line in logged} == {record.id}


def test_a_job_keeps_its_trace_over_retries_and_tells_how_each_attempt_failed(machine, caplog):
    record = submit_traced(machine, fail_attempts=1)
    machine.deliver("obey")
    machine.make_visible("obey")
    machine.deliver("obey")

    _wait, first, second = spans_of(lines(caplog))
    assert first["attributes"]["error.type"] == "task_error"
    assert (first["attributes"]["backstay.outcome"], second["attributes"]["backstay.outcome"]) == (
        "retried",
        "completed",
    )
    assert first["parent"] == second["parent"] == TraceContext.of_text(machine.record(record.id).trace).span_id


def test_a_job_that_nobody_traces_costs_no_span_no_attribute_and_no_line(machine, caplog):
    record = machine.submit("obey", {"text": "hello"})
    (message,) = machine.receive("obey")
    assert "AWSTraceHeader" not in message["attributes"]
    assert (
        "trace"
        not in aws.dynamodb().get_item(TableName="jobs", Key={"id": {"S": record.id}, "part": {"S": "state"}})["Item"]
    )
    machine.make_visible("obey")
    machine.deliver("obey")
    assert lines(caplog) == []


def test_a_plain_message_goes_on_with_the_trace_of_the_service_that_sent_it(machine, monkeypatch):
    monkeypatch.setenv(SAMPLE_VARIABLE, "0.000001")
    aws.sqs().send_message(
        QueueUrl=machine.env.queue_url("obey"),
        MessageBody=json.dumps({"task": "obey", "input": {"text": "hi"}, "idempotency_key": "plain"}),
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": CALLER.xray_header}},
    )
    machine.deliver("obey")
    record = machine.submit("obey", {"text": "hi"}, idempotency_key="plain")
    assert record.trace == CALLER.text


def test_every_line_that_a_failing_job_causes_carries_its_id(machine, caplog):
    records = [machine.submit("obey", {"fail_attempts": 9, "text": str(number)}) for number in range(3)]
    machine.deliver("obey")
    logged = lines(caplog)
    assert [line["msg"] for line in logged] == ["task raised"] * 3
    assert {line["job_id"] for line in logged} == {record.id for record in records}


def test_all_steps_of_a_run_share_a_trace_down_to_what_their_state_machine_is_told(
    machine, step_functions, monkeypatch, caplog
):
    monkeypatch.setenv(SAMPLE_VARIABLE, "1")
    run = "acme." + "r" * 24
    for step in ("first", "second"):
        machine.send_raw("obey", step_functions.message(run, step, "obey", {"text": step}))
        machine.deliver("obey")

    spans = spans_of(lines(caplog))
    assert [span["name"] for span in spans] == ["wait obey", "callback test-saga", "process obey"] * 2
    assert {line["trace_id"] for line in lines(caplog)} == {Sampling(1).of_run(run).trace_id}
    callbacks, processes = ([span for span in spans if span["name"].startswith(name)] for name in ("callb", "proc"))
    assert [span["parent"] for span in callbacks] == [span["id"] for span in processes]
