"""POST /api/jobs."""

import json
from datetime import timedelta

import pytest

from backstay.clock import from_iso, iso, utc_now

OBEY = {"task": "obey", "input": {"text": "hello"}}


def test_a_new_job_is_202_with_its_location(client, machine) -> None:
    answer = client()("POST", "/api/jobs", OBEY)

    assert answer.status == 202
    assert answer.headers["location"] == f"/api/jobs/{answer.json['id']}"
    assert answer.json["state"] == "waiting"
    assert answer.json["tenant"] == "default"
    assert answer.json["links"]["cancel"] == answer.headers["location"] + "/cancel"
    assert [json.loads(message["body"])["job_id"] for message in machine.receive("obey")] == [answer.json["id"]]


def test_the_same_key_and_input_is_200_with_the_same_job(client) -> None:
    caller, body = client(), {**OBEY, "idempotency_key": "k1"}
    first, second = (caller("POST", "/api/jobs", body) for _ in range(2))

    assert (first.status, second.status) == (202, 200)
    assert first.json["id"] == second.json["id"]
    assert second.headers["location"] == first.headers["location"]


def test_the_header_does_what_the_field_does(client) -> None:
    caller = client()
    first = caller("POST", "/api/jobs", OBEY, headers={"idempotency-key": "k1"})
    second = caller("POST", "/api/jobs", {**OBEY, "idempotency_key": "k1"})

    assert first.json["idempotency_key"] == "k1"
    assert first.json["id"] == second.json["id"]


def test_a_header_and_a_field_that_differ_are_refused(client) -> None:
    answer = client()("POST", "/api/jobs", {**OBEY, "idempotency_key": "k1"}, headers={"idempotency-key": "k2"})

    assert answer.status == 422
    assert "differs from the header" in answer.fields["idempotency_key"]


def test_the_same_key_with_another_input_is_409_naming_the_job(client) -> None:
    caller = client()
    first = caller("POST", "/api/jobs", {**OBEY, "idempotency_key": "k1"})
    second = caller("POST", "/api/jobs", {"task": "obey", "input": {"text": "other"}, "idempotency_key": "k1"})

    assert second.status == 409
    assert second.json["job"] == first.headers["location"]
    assert "use another key" in second.json["detail"]


def test_a_failed_job_comes_back_with_its_retry_link(client, machine) -> None:
    caller, body = client(), {"task": "obey", "input": {"reject": True}, "idempotency_key": "k1"}
    caller("POST", "/api/jobs", body)
    machine.deliver("obey")
    again = caller("POST", "/api/jobs", body)

    assert again.status == 200
    assert again.json["state"] == "failed"
    assert again.json["links"]["retry"] == again.headers["location"] + "/retry"
    assert again.json["links"]["cancel"] is None


def test_an_unknown_task_is_422_with_the_known_names(client) -> None:
    answer = client()("POST", "/api/jobs", {"task": "fly", "input": {}})

    assert answer.status == 422
    assert answer.json["errors"][0]["value"] == "fly"
    assert "obey, obey-frozen, obey-in-order" in answer.fields["task"]


def test_wrong_input_names_the_path_the_value_and_what_it_may_be(client) -> None:
    answer = client()("POST", "/api/jobs", {"task": "obey", "input": {"sleep_s": 100, "speed": 3}})

    assert answer.status == 422
    assert set(answer.fields) == {"input.sleep_s", "input.speed"}
    assert "less than or equal to 60" in answer.fields["input.sleep_s"]
    assert answer.json["errors"][0]["value"] == "100"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"task": None}, "task"),
        ({"task": 5}, "task"),
        ({"input": None}, "input"),
        ({"input": "text"}, "input"),
        ({"input": [1]}, "input"),
        ({"priority": "urgent"}, "priority"),
        ({"delay_s": -1}, "delay_s"),
        ({"delay_s": 40_000_000}, "delay_s"),
        ({"delay_s": "soon"}, "delay_s"),
        ({"run_at": "tomorrow"}, "run_at"),
        ({"run_at": "2026-11-25T12:00:00"}, "run_at"),
        ({"run_at": "2126-11-25T12:00:00Z"}, "run_at"),
        ({"run_at": "2026-12-25T12:00:00Z", "delay_s": 1}, "run_at"),
        ({"tenant": "News Room"}, "tenant"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": "a" * 33}, "tenant"),
        ({"tenant": "a\n"}, "tenant"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 201}, "idempotency_key"),
        ({"tags": ["t"] * 11}, "tags"),
        ({"tags": ["t" * 65]}, "tags.0"),
        ({"tags": "t"}, "tags"),
        ({"callback_url": "ftp://example.com"}, "callback_url"),
        ({"callback_url": "not a url"}, "callback_url"),
        ({"callback_url": "https://127.0.0.1/x"}, "callback_url"),
        ({"callback_url": "https://169.254.169.254/latest"}, "callback_url"),
        ({"input_ref": "uploads/default/x"}, "input_ref"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_each_wrong_field_is_422_and_named(client, change, field: str) -> None:
    answer = client(webhook=True)("POST", "/api/jobs", {**OBEY, **change})

    assert answer.status == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in answer.fields
    assert answer.fields[field]


def test_a_callback_needs_a_key_that_can_sign(client) -> None:
    answer = client()("POST", "/api/jobs", {**OBEY, "callback_url": "https://example.com/hook"})

    assert answer.status == 422
    assert "backstay keys rotate" in answer.fields["callback_url"]


def test_a_callback_is_kept_with_the_key_that_signs_it(client, machine) -> None:
    answer = client(webhook=True)("POST", "/api/jobs", {**OBEY, "callback_url": "https://example.com/hook?x=1"})

    assert answer.status == 202, answer.text
    record = machine.record(answer.json["id"])
    assert record.callback_url == "https://example.com/hook?x=1"
    assert record.key_id


def test_a_delay_makes_a_delayed_job(client) -> None:
    answer = client()("POST", "/api/jobs", {**OBEY, "delay_s": 60})

    assert answer.json["state"] == "delayed"
    assert answer.json["reason"] == "scheduled"
    due = from_iso(answer.json["due_at"]) - from_iso(answer.json["created_at"])
    assert timedelta(seconds=59) < due < timedelta(seconds=61)


def test_a_time_may_be_given_in_any_zone(client) -> None:
    due = utc_now() + timedelta(hours=1)
    answer = client()("POST", "/api/jobs", {**OBEY, "run_at": due.isoformat().replace("+00:00", "+00:00")})

    assert answer.json["due_at"] == iso(due)


def test_a_time_that_has_passed_means_now(client) -> None:
    answer = client()("POST", "/api/jobs", {**OBEY, "run_at": "2020-01-01T00:00:00+02:00"})

    assert (answer.status, answer.json["state"]) == (202, "waiting")


def test_tags_and_priority_are_kept(client) -> None:
    answer = client()("POST", "/api/jobs", {**OBEY, "tags": ["a", "b"], "priority": "high"})

    assert answer.json["tags"] == ["a", "b"]
    assert answer.json["priority"] == "high"


def test_an_input_over_200_kb_is_413_and_points_to_uploads(client) -> None:
    answer = client()("POST", "/api/jobs", {"task": "obey", "input": {"text": "x" * 200_001}})

    assert answer.status == 413
    assert "POST /api/uploads" in answer.json["detail"]


def test_an_input_of_200_kb_is_taken(client) -> None:
    assert client()("POST", "/api/jobs", {"task": "obey", "input": {"text": "x" * 199_000}}).status == 202


def test_an_upload_becomes_a_jobs_input(client, cloud) -> None:
    from backstay import aws

    caller = client("newsroom")
    ref = caller("POST", "/api/uploads", {"size": 1_200_020}).json["input_ref"]
    body = json.dumps({"text": "x" * 1_200_000})
    aws.s3().put_object(Bucket=cloud.payloads_bucket, Key=ref, Body=body.encode())
    answer = caller("POST", "/api/jobs", {"task": "obey", "input_ref": ref})

    assert answer.status == 202
    shown = caller("GET", f"/api/jobs/{answer.json['id']}").json
    assert shown["input"] is None
    assert "X-Amz-Signature" in shown["input_link"]


def test_another_tenants_upload_can_not_be_named(client) -> None:
    ref = client("sports")("POST", "/api/uploads", {"size": 100}).json["input_ref"]
    answer = client("newsroom")("POST", "/api/jobs", {"task": "obey", "input_ref": ref})

    assert answer.status == 422
    assert "no upload of this tenant" in answer.fields["input_ref"]


def test_an_upload_that_is_not_there_is_named(client) -> None:
    answer = client()("POST", "/api/jobs", {"task": "obey", "input_ref": "uploads/default/none"})

    assert answer.status == 422
    assert "input_ref" in answer.fields


def test_a_job_whose_caller_traces_it_goes_on_with_the_callers_trace_and_tells_its_id(
    client, machine, monkeypatch, caplog
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setenv("BACKSTAY_TRACE_SAMPLE", "0.000001")
    trace_id, caller_span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    answer = client()("POST", "/api/jobs", OBEY, headers={"traceparent": f"00-{trace_id}-{caller_span}-01"})

    assert answer.json["trace_id"] == trace_id
    (line,) = [vars(record) for record in caplog.records if record.msg == "spans"]
    send, request = line["spans"]
    assert (request["name"], request["parent"], request["service"]) == ("POST /api/jobs", caller_span, "api")
    assert request["attributes"]["http.response.status_code"] == 202
    assert (send["name"], send["parent"]) == ("send obey", request["id"])
    assert machine.record(answer.json["id"]).trace == f"{trace_id}-{send['id']}"
    assert line["job_id"] == answer.json["id"]


def test_a_job_whose_caller_traces_it_is_not_traced_where_tracing_is_off(client, caplog) -> None:
    caplog.set_level("INFO")
    traced = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    assert client()("POST", "/api/jobs", OBEY, headers=traced).json["trace_id"] is None
    assert [record for record in caplog.records if record.msg == "spans"] == []
