"""Conversations and bots through the API: admitted, in order, read back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.services import Services, use
from backstay.catalog import Catalog
from tests.integration.conftest import make_queues

FUNCTIONS = Path(__file__).parents[3] / "functions"
SAYS = {"user_id": "shop", "text": "Do you deliver on Sundays?"}


@pytest.fixture
def catalog(cloud) -> Catalog:
    """The tasks that are deployed."""
    catalog = Catalog(FUNCTIONS)
    make_queues(catalog)
    return catalog


@pytest.fixture
def handler(cloud, catalog) -> Iterator[object]:
    """The Lambda's handler, over the tasks that are deployed."""
    from api.handler import handler

    use(Services(cloud, FUNCTIONS))
    yield handler
    use(None)


def say(caller, number, session="s-1", **more):
    return caller("POST", f"/api/chats/{session}/messages", {"message_id": f"m-{number}", **SAYS, **more})


def test_a_message_becomes_a_job_and_a_turn_of_the_conversation(client):
    caller = client("acme")
    answer = say(caller, 1)
    assert answer.status == 202
    assert (answer.json["task"], answer.json["tenant"], answer.json["state"]) == ("reply-to-chat", "acme", "waiting")
    assert answer.headers["location"] == f"/api/jobs/{answer.json['id']}"

    read = caller("GET", "/api/chats/s-1/messages").json
    assert [(said["role"], said["text"], said["message_id"]) for said in read["messages"]] == [
        ("user", SAYS["text"], "m-1")
    ]
    assert read["cursor"] is None


def test_the_same_message_again_is_the_same_job_and_another_text_is_refused(client):
    caller = client("acme")
    first = say(caller, 1)
    again = say(caller, 1)
    assert (again.status, again.json["id"]) == (200, first.json["id"])
    assert say(caller, 1, text="Something else").status == 409
    assert len(caller("GET", "/api/chats/s-1/messages").json["messages"]) == 1


def test_the_eleventh_message_of_a_minute_is_told_when_to_come_again(client):
    caller = client("acme")
    assert [say(caller, number).status for number in range(10)] == [202] * 10
    refused = say(caller, 10)
    assert refused.status == 429
    assert refused.json["type"] == "urn:backstay:problem:too-many-requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert say(caller, 3).status == 200, "a message that was let in may come again"
    assert say(caller, 11, session="s-2").status == 202, "another session is not concerned"
    assert say(client("umbrella"), 12).status == 202, "nor is another tenant's session of that name"


def test_a_conversation_is_read_page_by_page_the_latest_first(client):
    caller = client("acme")
    for number in range(5):
        say(caller, number, text=f"question {number}")
    seen, cursor = [], None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = caller("GET", "/api/chats/s-1/messages", query=query).json
        seen.append([said["text"] for said in page["messages"]])
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == [["question 3", "question 4"], ["question 1", "question 2"], ["question 0"]]


def test_a_conversation_that_there_never_was_is_empty(client):
    assert client("acme")("GET", "/api/chats/nobody/messages").json["messages"] == []


@pytest.mark.parametrize("session", ["whatsapp:+491701234567", "whatsapp%3A%2B491701234567"])
def test_sessions_may_be_named_as_channels_name_them(client, session):
    caller = client("acme")
    say(caller, 1, session="whatsapp:+491701234567")
    read = caller("GET", f"/api/chats/{session}/messages").json
    assert (read["session_id"], len(read["messages"])) == ("whatsapp:+491701234567", 1)


@pytest.mark.parametrize(
    ("session", "change", "field"),
    [
        ("s%231", {}, "session_id"),
        ("-s", {}, "session_id"),
        ("s-1", {"text": ""}, "text"),
        ("s-1", {"text": "x" * 4_001}, "text"),
        ("s-1", {"format": "html"}, "format"),
        ("s-1", {"message_id": "a#b"}, "message_id"),
        ("s-1", {"user_id": ""}, "user_id"),
        ("s-1", {"extra": 1}, "extra"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(client, session, change, field):
    answer = say(client("acme"), 1, session=session, **change)
    assert answer.status == 422
    assert list(answer.fields) == [field]


def test_scopes_and_tenants_are_kept_apart(client):
    say(client("acme"), 1)
    assert say(client("acme", "read"), 2).status == 403
    assert client("acme", "submit")("GET", "/api/chats/s-1/messages").status == 403
    assert client("umbrella")("GET", "/api/chats/s-1/messages").json["messages"] == []
    assert client("umbrella")("GET", "/api/chats/s-1/messages", query={"tenant": "acme"}).status == 403


BOT = {
    "system_prompt": "You are a shop's assistant.",
    "fallback_text": "We will come back to you.",
    "documents": [{"title": "Delivery", "content": "Never on Sundays.", "kind": "faq"}],
}


def test_a_bot_is_set_whole_and_read_back(client):
    caller = client("acme")
    assert caller("GET", "/api/bots/shop").status == 404
    assert caller("PUT", "/api/bots/shop", BOT).json == BOT
    assert caller("GET", "/api/bots/shop").json == BOT
    assert caller("PUT", "/api/bots/shop", {"system_prompt": "Be brief."}).status == 200
    assert caller("GET", "/api/bots/shop").json == {"system_prompt": "Be brief.", "fallback_text": "", "documents": []}
    assert client("umbrella")("GET", "/api/bots/shop").status == 404


def test_a_bot_that_fits_into_no_item_is_refused(client):
    document = {"title": "T", "content": "ä" * 50_000}
    answer = client("acme")("PUT", "/api/bots/shop", {"documents": [document] * 4})
    assert answer.status == 422
    assert "350000" in answer.text
    assert client("acme")("PUT", "/api/bots/shop", {"documents": [document] * 3}).status == 200


def test_bots_are_for_those_who_may(client):
    assert client("acme", "read")("PUT", "/api/bots/shop", BOT).status == 403
    assert client("acme", "submit")("GET", "/api/bots/shop").status == 403
    assert client("acme")("PUT", "/api/bots/a%2Fb", BOT).status == 422
