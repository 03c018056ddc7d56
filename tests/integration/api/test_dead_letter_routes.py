"""Dead letters: listing, redriving, and deleting what is a tenant's."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backstay import aws
from backstay.settings import Environment


def fail(caller, machine, **work: Any) -> str:  # type: ignore[no-untyped-def]
    """The id of a job that failed for good."""
    job: str = caller("POST", "/api/jobs", {"task": "obey", "input": {"reject": True, **work}}).json["id"]
    machine.deliver("obey")
    return job


def test_a_job_that_failed_for_good_is_listed_with_its_reason(client, machine) -> None:
    caller = client("newsroom")
    job = fail(caller, machine)
    (letter,) = caller("GET", "/api/dead-letters").json["dead_letters"]

    assert letter["id"] == letter["job_id"] == job
    assert letter["job"] == f"/api/jobs/{job}"
    assert (letter["task"], letter["tenant"], letter["error_class"]) == ("obey", "newsroom", "rejected")
    assert letter["message"] == "told to reject"
    assert letter["attempts"] == 1
    assert letter["failed_at"].endswith("Z")


def test_a_message_that_is_no_job_is_listed_with_what_it_says(client, machine) -> None:
    machine.send_raw("obey", "not a job")
    machine.deliver("obey")
    (letter,) = client()("GET", "/api/dead-letters", query={"task": "obey"}).json["dead_letters"]

    assert letter["job_id"] is None
    assert letter["message_id"]
    assert letter["body"] == "not a job"
    assert letter["error_class"] == "not_a_job"


def test_a_tenant_sees_its_own_dead_letters_only(client, machine) -> None:
    ours, theirs = (fail(client(tenant), machine) for tenant in ("newsroom", "sports"))

    def listed(whose_key: str, **query: str) -> list[str]:
        found = client(whose_key)("GET", "/api/dead-letters", query=query or None).json["dead_letters"]
        return [letter["id"] for letter in found]

    assert listed("newsroom") == [ours]
    assert listed("*") == [theirs, ours]
    assert listed("*", tenant="newsroom") == [ours]


def test_they_are_listed_page_by_page(client, machine) -> None:
    caller = client("newsroom")
    made = [fail(caller, machine, text=str(number)) for number in range(3)]
    first = caller("GET", "/api/dead-letters", query={"limit": "2"}).json
    second = caller("GET", "/api/dead-letters", query={"limit": "2", "cursor": first["cursor"]}).json

    assert [letter["id"] for letter in first["dead_letters"] + second["dead_letters"]] == made[::-1]
    assert second["cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"error_class": "bad_luck"}, "error_class"),
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-11-25T00:00:00"}, "until"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"task": "fly"}, "task"),
        ({"limit": "1000"}, "limit"),
    ],
)
def test_a_wrong_filter_is_422_and_named(client, query, field: str) -> None:
    answer = client()("GET", "/api/dead-letters", query=query)

    assert answer.status == 422
    assert field in answer.fields


def test_a_dry_run_tells_count_and_cost_and_moves_nothing(client, machine) -> None:
    caller = client()
    job = fail(caller, machine)
    answer = caller("POST", "/api/dead-letters/redrive", {"all": True, "dry_run": True})

    assert answer.status == 200, answer.text
    assert answer.json["count"] == 1
    assert answer.json["is_more"] is False
    assert float(answer.json["expected_cost_usd"]) == 0
    assert machine.record(job).state == "failed"


def test_a_dry_run_of_one_tenants_key_counts_that_tenants_only(client, machine) -> None:
    for tenant in ("newsroom", "sports"):
        fail(client(tenant), machine)

    answer = client("newsroom")("POST", "/api/dead-letters/redrive", {"all": True, "dry_run": True})
    assert answer.json["count"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "all"),
        ({"all": True, "task": "obey"}, "all"),
        ({"task": "fly"}, "task"),
        ({"all": True, "per_second": 0}, "per_second"),
        ({"error_class": "bad_luck"}, "error_class"),
        ({"ids": ["x"] * 1_001}, "ids"),
        ({"everything": True}, "everything"),
    ],
)
def test_a_wrong_choice_is_422_and_named(client, body, field: str) -> None:
    answer = client()("POST", "/api/dead-letters/redrive", body)

    assert answer.status == 422
    assert field in answer.fields


def test_a_dead_letter_of_a_step_is_refused_with_the_run_to_redrive_instead(client, machine, step_functions) -> None:
    run = "newsroom." + "r" * 24
    machine.send_raw("obey", step_functions.message(run, "first", "obey", {"reject": True}))
    machine.deliver("obey")
    caller = client("newsroom")
    (letter,) = caller("GET", "/api/dead-letters").json["dead_letters"]
    job = caller("GET", letter["job"]).json
    assert job["step"] == {"run_id": run, "saga": "test-saga", "name": "first", "direction": "do"}
    assert job["links"]["retry"] is None

    for answer in (
        caller("POST", "/api/dead-letters/redrive", {"ids": [letter["id"]]}),
        caller("POST", f"{letter['job']}/retry"),
    ):
        assert answer.status == 409, answer.text
        assert f"/api/runs/{run}/redrive" in answer.text


class TestWithBackstaysOwnTasks:
    """Over the tasks of functions/, among which are those that redrive and delete."""

    @pytest.fixture
    def handler(self, cloud: Environment) -> Iterator[Callable[..., dict[str, Any]]]:
        from api.handler import handler
        from api.services import Services, use

        for queue in ("redrive-dead-letters", "delete-tenant-data"):
            aws.sqs().create_queue(QueueName=f"backstay-test-{queue}")
        use(Services(cloud, Path(__file__).parents[3] / "functions"))
        yield handler
        use(None)

    def ordered(self, cloud: Environment, queue: str) -> Any:
        """The input of the job that waits in a queue."""
        (message,) = aws.sqs().receive_message(QueueUrl=cloud.queue_url(queue))["Messages"]
        return json.loads(message["Body"])["input"]

    def test_a_redrive_is_a_job_that_can_be_watched(self, client, cloud) -> None:
        caller = client("*")
        answer = caller("POST", "/api/dead-letters/redrive", {"task": "enhance-story", "per_second": 5})

        assert answer.status == 202, answer.text
        assert answer.json["task"] == "redrive-dead-letters"
        assert answer.json["tenant"] == "system"
        assert answer.headers["location"] == f"/api/jobs/{answer.json['id']}"
        assert caller("GET", answer.headers["location"]).json["state"] == "waiting"
        assert self.ordered(cloud, "redrive-dead-letters") == {"task": "enhance-story", "per_second": 5}

    def test_a_tenants_redrive_is_its_own_job_and_for_itself_only(self, client, cloud) -> None:
        caller = client("newsroom")
        answer = caller("POST", "/api/dead-letters/redrive", {"all": True})

        assert answer.json["tenant"] == "newsroom"
        assert caller("GET", answer.headers["location"]).status == 200
        assert self.ordered(cloud, "redrive-dead-letters") == {"all": False, "tenant": "newsroom"}
        assert caller("POST", "/api/dead-letters/redrive", {"tenant": "sports"}).status == 403

    def test_chosen_ids_go_along(self, client, cloud) -> None:
        client("*")("POST", "/api/dead-letters/redrive", {"ids": ["newsroom.a", "sports.b"]})

        assert self.ordered(cloud, "redrive-dead-letters") == {"ids": ["newsroom.a", "sports.b"]}

    def test_deleting_a_tenants_data_is_a_job_too(self, client, cloud) -> None:
        answer = client("newsroom")("DELETE", "/api/tenants/newsroom/data")

        assert answer.status == 202, answer.text
        assert (answer.json["task"], answer.json["tenant"]) == ("delete-tenant-data", "system")
        assert self.ordered(cloud, "delete-tenant-data") == {"tenant": "newsroom"}

    def test_another_tenants_data_stays(self, client) -> None:
        assert client("newsroom")("DELETE", "/api/tenants/sports/data").status == 403
        assert client("*", "submit", "read")("DELETE", "/api/tenants/sports/data").status == 403

    @pytest.mark.parametrize("tenant", ["system", "Not-One", "a" * 40])
    def test_what_is_no_tenant_of_anybodys_is_422(self, client, tenant: str) -> None:
        answer = client()("DELETE", f"/api/tenants/{tenant}/data")

        assert answer.status == 422
        assert "tenant" in answer.fields
