"""Every answer that is no success is problem details, whatever was sent and whatever broke."""

import json
from types import SimpleNamespace

import pytest

from backstay import aws

PATHS = [("/api/nothing", "GET"), ("/", "GET"), ("/api/jobs/", "GET"), ("/api//jobs", "GET"), ("/api/jobs/a/b", "GET")]


def is_problem(answer, status: int) -> bool:  # type: ignore[no-untyped-def]
    """Whether the answer is problem details of this status, with all members that they promise."""
    return (
        answer.status == status
        and answer.headers["content-type"] == "application/problem+json"
        and answer.json["status"] == status
        and answer.json["type"].startswith("urn:backstay:problem:")
        and all(answer.json[member] for member in ("title", "detail", "instance", "correlation_id"))
    )


@pytest.mark.parametrize(("path", "method"), PATHS)
def test_an_unknown_path_is_404(client, path: str, method: str) -> None:
    answer = client()(method, path)

    assert is_problem(answer, 404)
    assert answer.json["instance"] == path


def test_a_method_that_does_not_exist_here_is_405_with_those_that_do(client) -> None:
    answer = client()("PATCH", "/api/jobs")

    assert is_problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "",
        "nonsense",
        '{"task": "obey", "input": {"a": NaN}}',
        '{"task": "obey", "input": {"a": Infinity}}',
        '{"task": "obey", "input": {"text": "\\ud800"}}',
        '{"task": "obey", "input": {"a": ' + "9" * 5000 + "}}",
        "[" * 200_000,
    ],
)
def test_a_body_that_is_no_json_is_refused(client, body: str) -> None:
    answer = client()("POST", "/api/jobs", raw=body)

    assert is_problem(answer, 400 if body else 422)


@pytest.mark.parametrize("body", ["[]", "3", '"text"', "null", "true"])
def test_json_that_is_no_object_is_refused(client, body: str) -> None:
    assert is_problem(client()("POST", "/api/jobs", raw=body), 422)


def test_a_body_in_base64_is_read(client) -> None:
    body = json.dumps({"task": "obey", "input": {"text": "Grüße 🚀"}}).encode()

    assert client()("POST", "/api/jobs", raw=body).status == 202


def test_a_body_that_is_no_text_is_refused(client) -> None:
    assert is_problem(client()("POST", "/api/jobs", raw=b"\xff\xfe\x00"), 400)


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "x"])
def test_a_body_that_is_not_declared_as_json_is_415(client, media_type: str) -> None:
    answer = client()("POST", "/api/jobs", {"task": "obey", "input": {}}, headers={"content-type": media_type})

    assert is_problem(answer, 415)
    assert media_type in answer.json["detail"]


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_declared_with_parameters_and_in_any_case(client, media_type: str) -> None:
    answer = client()("POST", "/api/jobs", {"task": "obey", "input": {}}, headers={"content-type": media_type})

    assert answer.status == 202


def test_a_body_over_the_limit_is_413(client) -> None:
    assert is_problem(client()("POST", "/api/jobs/batch", raw="x" * 5_000_001), 413)
    assert is_problem(client()("POST", "/api/jobs/batch", raw=b"x" * 5_000_100), 413)


def test_a_long_value_is_not_repeated_whole(client) -> None:
    answer = client()("POST", "/api/jobs", {"task": "t" * 5_000, "input": {}, "priority": "p" * 5_000})

    assert is_problem(answer, 422)
    assert len(answer.text) < 2_000


def test_what_breaks_is_500_with_a_correlation_id_and_no_trace(client, cloud, caplog) -> None:
    caller = client()
    caller("GET", "/health")
    aws.dynamodb().delete_table(TableName=cloud.jobs_table)
    answer = caller("POST", "/api/jobs", {"task": "obey", "input": {}})

    assert is_problem(answer, 500)
    assert answer.json["correlation_id"] == "request-1"
    assert "Traceback" not in answer.text
    assert "ResourceNotFound" not in answer.text
    (logged,) = [record for record in caplog.records if record.message == "the API failed"]
    assert logged.correlation_id == "request-1"
    assert logged.exc_info


def test_when_aws_throttles_it_is_503_with_retry_after(client) -> None:
    caller = client()
    caller("GET", "/health")

    def throttle(**_: object) -> tuple[SimpleNamespace, dict[str, object]]:
        error = {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}
        return SimpleNamespace(status_code=400, headers={}), {"Error": error, "ResponseMetadata": {}}

    aws.dynamodb().meta.events.register("before-call.dynamodb.PutItem", throttle)
    answer = caller("POST", "/api/jobs", {"task": "obey", "input": {}})

    assert is_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"


def test_nothing_is_to_be_kept_by_caches_nor_guessed_at_by_browsers(client, stranger) -> None:
    for answer in (client()("GET", "/api/jobs"), stranger("GET", "/api/jobs"), stranger("GET", "/health")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_each_request_is_measured_in_one_line(client, capsys) -> None:
    caller = client()
    caller("GET", "/api/jobs/none")
    caller("GET", "/some/path/of/a/stranger")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]

    assert [(line["Route"], line["status"]) for line in lines] == [("GET /api/jobs/{job_id}", 404), ("none", 404)]
    assert all(line["RequestDuration"][0] > 0 for line in lines)
