"""Two tenants: whatever one of them asks, no answer holds anything of the other's, and nothing of the other's changes.

Requests are drawn over every route there is, with names, ids and uploads of both tenants in every place that takes one.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.services import Services, use
from backstay import aws
from backstay.catalog import Catalog
from backstay.workflows import catalog as saga_catalog
from tests.app import gather
from tests.integration.conftest import make_queues
from tests.integration.workflows.conftest import PLAN

from .routes import ALL, CLOSED, as_route

OURS, THEIRS = "aurora7291", "borealis4415"
SECRET = {OURS: "harp-of-the-north", THEIRS: "lute-of-the-south"}
"""What stands in everything that a tenant brings, and in no request of the other's."""
LARGE = "x" * 3_000
HEALTH = list(HealthCheck)

Call = Callable[..., Any]
Request: TypeAlias = tuple[str, str, dict[str, Any] | None, dict[str, str]]
"""Method, path, body, query."""


@dataclass(frozen=True)
class Tenant:
    """One tenant, and what it has."""

    name: str
    call: Call
    key_id: str
    things: dict[str, list[str]]
    """By the name of the variable that a path has for it."""
    upload: str


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    return gather(tmp_path)[0]


@pytest.fixture
def catalog(cloud, functions: Path) -> Catalog:
    catalog = Catalog(functions)
    make_queues(catalog)
    return catalog


@pytest.fixture
def handler(cloud, catalog, functions, step_functions, told, tmp_path, monkeypatch):
    """The handler over all tasks, the tests' own among them, and one saga."""
    from api.handler import handler

    file = tmp_path / "sagas.json"
    file.write_text(saga_catalog.SagaFile(sagas=(PLAN,)).model_dump_json())
    monkeypatch.setenv(saga_catalog.VARIABLE, str(file))
    saga_catalog.sagas.cache_clear()
    use(Services(cloud, functions))
    yield handler
    use(None)
    saga_catalog.sagas.cache_clear()


@pytest.fixture
def tenants(cloud, client, machine) -> tuple[Tenant, Tenant]:
    ours, theirs = (settle(cloud, client(name), machine, name) for name in (OURS, THEIRS))
    return ours, theirs


def settle(cloud, call: Call, machine, name: str) -> Tenant:
    """Bring everything that a tenant may bring. Names that both choose are the same for both."""
    said = SECRET[name]

    def post(path: str, body: dict[str, Any]) -> Any:
        answer = call("POST", path, body)
        assert answer.status in {200, 201, 202}, answer.text
        return answer.json

    done = post("/api/jobs", {"task": "obey", "input": {"text": said}, "idempotency_key": "same"})["id"]
    failed = post("/api/jobs", {"task": "obey", "input": {"text": said, "reject": True}})["id"]
    machine.deliver("obey")
    waiting = post("/api/jobs", {"task": "obey", "input": {"text": said}})["id"]
    story = {"id": "story-1", "title": said, "content": said, "sector_tag": "s", "impact_tags": []}
    stored = post("/api/stories", story)["job"]["id"]
    assert call("PUT", "/api/bots/bot-1", {"system_prompt": said}).status == 200
    message = {"message_id": "m-1", "user_id": "bot-1", "text": said}
    chat = post("/api/chats/chat-1/messages", message)["id"]
    run = post("/api/sagas/publish/runs", {"input": {"text": said}, "idempotency_key": "same"})["id"]
    upload = post("/api/uploads", {"size": 100})["input_ref"]
    aws.s3().put_object(
        Bucket=cloud.payloads_bucket, Key=upload, Body=json.dumps({"text": said}), ContentType="application/json"
    )
    things = {
        "job_id": [done, failed, waiting, stored, chat],
        "run_id": [run],
        "story_id": ["story-1"],
        "user_id": ["bot-1"],
        "session_id": ["chat-1"],
        "tenant": [name],
        "scope": [f"tenant:{name}"],
    }
    return Tenant(name, call, call.key.split("_")[1], things, upload)


def view(tenant: Tenant) -> list[str]:
    """Everything of a tenant's that it can see."""
    paths = [
        *(f"/api/jobs/{job}" for job in tenant.things["job_id"]),
        *(f"/api/runs/{run}" for run in tenant.things["run_id"]),
        "/api/jobs",
        "/api/runs",
        "/api/stories/story-1",
        "/api/bots/bot-1",
        "/api/chats/chat-1/messages",
        "/api/dead-letters",
        "/api/budgets",
    ]
    return [tenant.call("GET", path).text for path in paths]


def bodies(ours: Tenant, theirs: Tenant) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that routes take, with something of either tenant wherever one may be named."""
    names, jobs = (theirs.name, ours.name, "*"), [*theirs.things["job_id"], *ours.things["job_id"]]
    text = st.sampled_from(["hello", LARGE])
    fields: dict[str, st.SearchStrategy[Any]] = {
        "tenant": st.sampled_from(names),
        "task": st.sampled_from(["obey", "enhance-story", "reply-to-chat", "call-http", "delete-tenant-data"]),
        "input": st.sampled_from([{"text": "hello"}, {"tenant": theirs.name}, {"session_id": "chat-1"}]),
        "input_ref": st.sampled_from([theirs.upload, ours.upload]),
        "idempotency_key": st.sampled_from(["same", "other"]),
        "ids": st.lists(st.sampled_from(jobs), max_size=3),
        "all": st.booleans(),
        "dry_run": st.booleans(),
        "jobs": st.just([{"task": "obey", "input": {}, "tenant": theirs.name}, {"task": "obey", "input": {}}]),
        "id": st.just("story-1"),
        "title": text,
        "content": text,
        "sector_tag": st.just("s"),
        "impact_tags": st.just([]),
        "system_prompt": text,
        "message_id": st.sampled_from(["m-1", "m-2"]),
        "user_id": st.just("bot-1"),
        "text": text,
        "size": st.just(100),
        "reason": text,
        "minutes": st.just(5),
        "provider": st.just("openai"),
        "operation": st.just("sms"),
        "quantity": st.just(1),
        "limit": st.just("1"),
        "usd": st.just("1"),
    }
    shapes = st.sampled_from(
        [
            ("task", "input"),
            ("task", "input_ref"),
            ("task", "input", "tenant", "idempotency_key"),
            ("input", "idempotency_key"),
            ("input_ref",),
            ("input", "tenant"),
            ("ids",),
            ("all", "tenant", "dry_run"),
            ("jobs",),
            ("id", "title", "content", "sector_tag", "impact_tags"),
            ("system_prompt",),
            ("message_id", "user_id", "text"),
            ("size", "tenant"),
            ("reason",),
            ("minutes", "reason"),
            ("provider", "operation", "quantity", "tenant"),
            ("limit",),
            ("usd",),
        ]
    )
    return shapes.flatmap(lambda names: st.fixed_dictionaries({name: fields[name] for name in names}))


def requests(ours: Tenant, theirs: Tenant) -> st.SearchStrategy[Request]:
    """Any request of any route."""

    def fill(route: Any) -> st.SearchStrategy[Any]:
        names = re.findall(r"<(\w+)>", route.path)
        choices = [
            [*theirs.things.get(name, ()), *ours.things.get(name, ()), *OTHERS.get(name, ["x"])] for name in names
        ]
        values = st.tuples(*(st.sampled_from(choice) for choice in choices))
        query = st.sampled_from([{}, {"tenant": theirs.name}, {"tenant": "*"}, {"tenant": ours.name}, {"by": "tenant"}])
        body = bodies(ours, theirs) if route.method in {"POST", "PUT"} else st.none()
        return st.tuples(st.just(route.method), values.map(lambda found: place(route.path, found)), body, query)

    return st.sampled_from([route for route in ALL if as_route(route) in CLOSED]).flatmap(fill)


OTHERS = {
    "name": ["publish", "obey", "openai"],
    "scope": ["total", "task:obey"],
    "window": ["daily"],
    "provider": ["openai"],
}


def naming(theirs: Tenant) -> Iterator[Request]:
    """Every route once, with the other tenant's things in its path and its name wherever one may stand."""
    for route in ALL:
        if as_route(route) in CLOSED:
            names = re.findall(r"<(\w+)>", route.path)
            values = tuple((theirs.things.get(name) or OTHERS.get(name, ["x"]))[0] for name in names)
            body = {"tenant": theirs.name, "all": True} if route.method in {"POST", "PUT"} else None
            yield route.method, place(route.path, values), body, {"tenant": theirs.name}


def place(path: str, values: tuple[str, ...]) -> str:
    """A route's path with values for its variables."""
    for value in values:
        path = re.sub(r"<\w+>", value, path, count=1)
    return path


def test_no_answer_holds_anything_of_another_tenants_and_nothing_of_theirs_changes(tenants) -> None:
    ours, theirs = tenants
    before = view(theirs)
    assert all(SECRET[OURS] not in text for text in before)
    assert sum(SECRET[THEIRS] in text for text in before) >= 5  # what is looked for can be found

    def ask(asked: Sequence[Request]) -> None:
        for method, path, body, query in asked:
            answer = ours.call(method, path, body, query=query)
            found = answer.text + json.dumps(answer.headers)
            assert answer.status < 500, (method, path, body, query, answer.text)
            assert SECRET[THEIRS] not in found, (method, path, body, query)
            assert theirs.key_id not in found, (method, path, body, query)
            if THEIRS not in json.dumps([path, body, query]):
                assert THEIRS not in found, (method, path, body, query)
        assert view(theirs) == before, asked

    ask(list(naming(theirs)))
    drawn = st.lists(requests(ours, theirs), min_size=1, max_size=4)
    hasty = settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=HEALTH)
    hasty(given(drawn)(ask))()
