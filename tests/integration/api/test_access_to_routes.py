"""Who may call what: keys, scopes, tenants."""

import json
from typing import Any

import pytest

from backstay.access.key import new_key

SECURED = [
    ("POST", "/api/jobs", "submit"),
    ("POST", "/api/jobs/batch", "submit"),
    ("GET", "/api/jobs", "read"),
    ("GET", "/api/jobs/a.b", "read"),
    ("POST", "/api/jobs/a.b/cancel", "submit"),
    ("POST", "/api/jobs/a.b/retry", "submit"),
    ("POST", "/api/uploads", "submit"),
    ("POST", "/api/stories", "submit"),
    ("GET", "/api/stories/s", "read"),
    ("POST", "/api/chats/s/messages", "submit"),
    ("GET", "/api/chats/s/messages", "read"),
    ("PUT", "/api/bots/u", "submit"),
    ("GET", "/api/bots/u", "read"),
    ("GET", "/api/providers", "read"),
    ("POST", "/api/providers/p/test", "operate"),
    ("POST", "/api/providers/p/pause", "operate"),
    ("POST", "/api/providers/p/resume", "operate"),
    ("GET", "/api/breakers", "read"),
    ("POST", "/api/breakers/b/reset", "operate"),
    ("GET", "/api/budgets", "read"),
    ("GET", "/api/budgets/total", "read"),
    ("PUT", "/api/budgets/total/daily", "operate"),
    ("DELETE", "/api/budgets/total/daily", "operate"),
    ("GET", "/api/alerts", "read"),
    ("GET", "/api/alerts/a", "read"),
    ("POST", "/api/alerts/a/acknowledge", "operate"),
    ("POST", "/api/alerts/a/resolve", "operate"),
    ("POST", "/api/silences", "operate"),
    ("GET", "/api/silences", "read"),
    ("DELETE", "/api/silences/s", "operate"),
    ("POST", "/api/maintenance-windows", "operate"),
    ("GET", "/api/maintenance-windows", "read"),
    ("DELETE", "/api/maintenance-windows/w", "operate"),
    ("POST", "/api/usage", "operate"),
    ("GET", "/api/credits", "read"),
    ("POST", "/api/credits/p/top-ups", "operate"),
    ("GET", "/api/stats", "read"),
    ("GET", "/api/overview", "read"),
    ("GET", "/api/workers", "read"),
    ("GET", "/metrics", "read"),
    ("GET", "/api/integrations", "read"),
    ("GET", "/api/config", "read"),
    ("GET", "/api/history/jobs/day", "read"),
    ("POST", "/api/tickets", "read"),
    ("GET", "/api/costs", "read"),
    ("GET", "/api/costs/export", "read"),
    ("GET", "/api/costs/insights", "read"),
    ("POST", "/api/tasks/obey/pause", "operate"),
    ("POST", "/api/tasks/obey/resume", "operate"),
    ("GET", "/api/dead-letters", "read"),
    ("POST", "/api/dead-letters/redrive", "operate"),
    ("DELETE", "/api/tenants/newsroom/data", "operate"),
    ("GET", "/api/sagas", "read"),
    ("POST", "/api/sagas/s/runs", "submit"),
    ("GET", "/api/workflows", "read"),
    ("GET", "/api/runs", "read"),
    ("GET", "/api/runs/a.b", "read"),
    ("POST", "/api/runs/a.b/approve", "operate"),
    ("POST", "/api/runs/a.b/reject", "operate"),
    ("POST", "/api/runs/a.b/abort", "operate"),
    ("POST", "/api/runs/a.b/redrive", "operate"),
]


@pytest.mark.parametrize(("method", "path", "scope"), SECURED)
def test_without_a_key_nothing_is_answered_but_401(stranger, method: str, path: str, scope: str) -> None:
    answer = stranger(method, path, {"nonsense": True} if method == "POST" else None)

    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer KEY" in answer.json["detail"]


@pytest.mark.parametrize(("method", "path", "scope"), SECURED)
def test_a_key_without_the_scope_is_told_403_before_its_body_is_judged(
    client, method: str, path: str, scope: str
) -> None:
    others = {"submit", "read", "operate"} - {scope}
    if path.endswith(("cancel", "retry")):
        others -= {"operate"}
    answer = client("newsroom", *others)(method, path, {"nonsense": True} if method == "POST" else None)

    assert answer.status == 403
    assert f"'{scope}'" in answer.json["detail"]


def test_every_route_that_is_not_public_stands_in_the_list_above(handler) -> None:
    from api.gate import ANYONE, ANYONE_OR_KEY
    from api.handler import _api
    from api.route_table import routes_of

    routes = routes_of(_api.resolver)
    assert all(route.security is not None for route in routes)
    secured = {
        (route.method, route.path)
        for route in routes
        if [dict(need) for need in route.security] not in (ANYONE, ANYONE_OR_KEY)
    }
    matched = {
        (method, next(route.path for route in routes if route.method == method and route.rule.match(path)))
        for method, path, _ in SECURED
    }
    assert secured == matched


def test_an_unknown_key_opens_nothing_and_is_not_repeated(stranger, caplog) -> None:
    key = new_key("0123456789")
    answer = stranger("GET", "/api/jobs", headers={"authorization": f"Bearer {key}"})

    assert answer.status == 401
    assert key not in answer.text
    assert key not in "".join(str(vars(record)) for record in caplog.records)


def test_a_revoked_key_opens_nothing(stranger, issue, key_store) -> None:
    issued = issue("newsroom")
    key_store.revoke(issued.record.key_id)

    assert stranger("GET", "/api/jobs", headers={"authorization": f"Bearer {issued.key}"}).status == 401


def test_naming_another_tenant_is_403_and_a_security_event(client, caplog) -> None:
    answer = client("newsroom")("POST", "/api/jobs", {"task": "obey", "input": {}, "tenant": "sports"})

    assert answer.status == 403
    assert "belongs to tenant 'newsroom'" in answer.json["detail"]
    (event,) = [record for record in caplog.records if hasattr(record, "security_event")]
    assert (event.security_event, event.source_ip, event.levelname) == ("forbidden", "192.0.2.1", "WARNING")
    assert event.key_id


@pytest.mark.parametrize("path", ["/api/jobs", "/api/stats", "/api/stories/s1", "/api/dead-letters"])
def test_reading_for_another_tenant_is_403(client, path: str) -> None:
    assert client("newsroom")("GET", path, query={"tenant": "sports"}).status == 403


def test_another_tenants_job_looks_exactly_like_none(client) -> None:
    theirs = client("sports")("POST", "/api/jobs", {"task": "obey", "input": {}}).json["id"]
    ours = client("newsroom")

    for method, path in [
        ("GET", f"/api/jobs/{theirs}"),
        ("POST", f"/api/jobs/{theirs}/cancel"),
        ("POST", f"/api/jobs/{theirs}/retry"),
    ]:
        answer = ours(method, path)
        missing = ours(method, path.replace(theirs, "sports." + "a" * 24))
        assert answer.status == missing.status == 404
        assert without(answer.json, theirs) == without(missing.json, "sports." + "a" * 24)
    assert client("sports")("GET", f"/api/jobs/{theirs}").json["state"] == "waiting"


def without(problem: dict[str, Any], job_id: str) -> str:
    """The problem with the job's id taken out."""
    return json.dumps(problem).replace(job_id, "ID")


def test_a_tenants_list_holds_its_own_jobs_only(client) -> None:
    for tenant in ("newsroom", "sports"):
        client(tenant)("POST", "/api/jobs", {"task": "obey", "input": {"text": tenant}})

    listed = client("newsroom")("GET", "/api/jobs").json["jobs"]
    assert [job["tenant"] for job in listed] == ["newsroom"]
    everything = client("*")("GET", "/api/jobs").json["jobs"]
    assert {job["tenant"] for job in everything} == {"newsroom", "sports"}
    of_one = client("*")("GET", "/api/jobs", query={"tenant": "sports"}).json["jobs"]
    assert [job["tenant"] for job in of_one] == ["sports"]


def test_the_same_key_of_two_tenants_makes_two_jobs(client) -> None:
    body = {"task": "obey", "input": {}, "idempotency_key": "same"}
    ours, theirs = (client(tenant)("POST", "/api/jobs", body) for tenant in ("newsroom", "sports"))

    assert ours.status == theirs.status == 202
    assert ours.json["id"] != theirs.json["id"]


@pytest.mark.parametrize(
    "task", ["deliver-webhook", "redrive-dead-letters", "delete-tenant-data", "settle-step", "wake-parked-jobs"]
)
def test_a_task_that_acts_for_any_tenant_can_not_be_submitted_directly(client, task: str) -> None:
    answer = client("*")("POST", "/api/jobs", {"task": task, "input": {"tenant": "sports"}})

    assert answer.status == 422
    assert "there is no such task" in answer.fields["task"]
    assert task not in answer.fields["task"]


def test_pausing_needs_a_key_of_all_tenants(client) -> None:
    answer = client("newsroom")("POST", "/api/tasks/obey/pause")

    assert answer.status == 403
    assert "concerns every tenant" in answer.json["detail"]


def test_whoever_may_only_operate_may_cancel(client) -> None:
    job = client("newsroom")("POST", "/api/jobs", {"task": "obey", "input": {}}).json["id"]

    assert client("newsroom", "operate")("POST", f"/api/jobs/{job}/cancel").json["state"] == "cancelled"
