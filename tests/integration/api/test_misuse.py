"""Every route of the API, asked by whoever may not: no key, no valid key, a key for something else."""

import json
from datetime import timedelta

import pytest

from backstay.access.key import EVERY_TENANT, Scope, new_key
from backstay.access.key_store import KeyStore

from .routes import CLOSED, EVERY_SCOPE, ROUTES


def text_of(answer) -> str:
    return answer.text + json.dumps(answer.headers)


def test_what_answers_without_a_key_is_a_short_list() -> None:
    assert {str(route) for route in ROUTES if route.is_open} == {"GET /health", "GET /openapi.json", "GET /docs"}
    assert all(route.scopes for route in CLOSED)


def test_what_is_no_bearer_key_opens_no_route(stranger, issue) -> None:
    key = issue(EVERY_TENANT).key
    for header in [
        None,
        "",
        key,
        f"Basic {key}",
        "Bearer",
        "Bearer ",
        f"Bearer {key[:-1]}",
        f"Bearer {key}0",
        f"Bearer {key.upper()}",
        f"Bearer {key}\x00",
        f"Bearer {key} {key}",
        f"Bearer {key}, Bearer {key}",
        "Bearer null",
        "Bearer *",
    ]:
        for route in CLOSED:
            answer = stranger(
                route.method, route.path, route.body, headers={} if header is None else {"authorization": header}
            )
            assert answer.status == 401, (str(route), header)
            assert key not in text_of(answer)


@pytest.mark.parametrize("place", ["key", "api_key", "access_token", "authorization"])
def test_a_key_in_the_query_or_in_another_header_opens_no_route(stranger, issue, place: str) -> None:
    key = issue(EVERY_TENANT).key
    for route in CLOSED:
        in_query = stranger(route.method, route.path, route.body, query={place: f"Bearer {key}"})
        elsewhere = stranger(route.method, route.path, route.body, headers={f"x-{place}": key, "cookie": key})
        assert in_query.status == elsewhere.status == 401, str(route)


def worn_out(store: KeyStore, issue) -> dict[str, str]:
    """Keys that never were or are no more, by what is wrong with them."""
    revoked, rotated = issue(EVERY_TENANT), issue(EVERY_TENANT)
    store.revoke(revoked.record.key_id)
    store.rotate(rotated.record.key_id, grace=timedelta(0))
    return {
        "unknown": new_key("0123456789"),
        "forged": new_key(issue(EVERY_TENANT).record.key_id),
        "revoked": revoked.key,
        "expired": rotated.key,
    }


def test_a_key_that_is_unknown_forged_revoked_or_expired_opens_no_route_and_is_not_repeated(
    stranger, issue, key_store, told, caplog, capsys
) -> None:
    keys = worn_out(key_store, issue)
    answers = {}
    for what, key in keys.items():
        for route in CLOSED:
            answer = stranger(route.method, route.path, route.body, headers={"authorization": f"Bearer {key}"})
            assert answer.status == 401, (str(route), what)
            assert key not in text_of(answer)
            answers.setdefault(str(route), set()).add(answer.text)
    assert all(len(texts) == 1 for texts in answers.values())  # nobody learns which of them it is
    logged = capsys.readouterr().out + "".join(str(vars(record)) for record in caplog.records)
    assert not [what for what, key in keys.items() if key in logged]


def test_an_open_route_refuses_a_bad_key_rather_than_ignoring_it(stranger, issue, key_store, told) -> None:
    for what, key in worn_out(key_store, issue).items():
        for route in ROUTES:
            if route.is_open:
                assert stranger(route.method, route.path, headers={"authorization": f"Bearer {key}"}).status == 401, (
                    what
                )


@pytest.mark.parametrize("held", [{scope} for scope in Scope] + [EVERY_SCOPE - {scope} for scope in Scope], ids=sorted)
def test_a_key_opens_the_routes_of_its_scopes_and_no_others(client, told, held: set[Scope]) -> None:
    caller = client(EVERY_TENANT, *map(str, held))
    for route in CLOSED:
        answer = caller(route.method, route.path, {"nonsense": True} if route.body else None)
        if route.scopes & held:
            assert answer.status not in {401, 403}, str(route)
        else:
            assert answer.status == 403, str(route)
            assert all(f"'{scope}'" in answer.json["detail"] for scope in route.scopes)


def test_no_request_makes_or_changes_a_key(client, key_store) -> None:
    before = key_store.list()
    caller = client(EVERY_TENANT)
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        for path in ("/api/keys", "/api/keys/a", "/api/keys/a/rotate", "/api/keys/a/revoke"):
            assert caller(method, path, {"scopes": ["operate"]}).status == 404
    assert len(key_store.list()) == len(before) + 1  # the caller's own


@pytest.mark.parametrize(
    "header", ["x-tenant", "x-backstay-tenant", "x-forwarded-for", "x-amzn-remapped-authorization"]
)
def test_no_header_lends_a_key_more_than_it_has(client, header: str) -> None:
    ours = client("newsroom", "read")
    assert ours("GET", "/api/jobs", headers={header: "*"}).json["jobs"] == []
    assert ours("POST", "/api/jobs", {"task": "obey", "input": {}}, headers={header: "*"}).status == 403
