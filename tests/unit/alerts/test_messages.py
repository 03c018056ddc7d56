"""What people read of an alert, in every channel's own form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.alerts.alert import AlertState
from backstay.alerts.occurrence import Severity
from deliver_alert import email, pagerduty, slack, webhook
from deliver_alert.message import link_to

from .alerts import ACKNOWLEDGED, LINK, OPEN, RESOLVED, message

ANYTHING = st.text(max_size=4_000)


def test_slack_gets_severity_text_link_and_how_to_acknowledge():
    told = json.dumps(slack.body_of(message(count=3)), ensure_ascii=False)
    for part in (
        ":red_circle: *CRITICAL worker.dead_letter: enhance-story*",
        "backstay dlq ls enhance-story",
        f"<{LINK}|Look at it>",
        f"backstay alerts ack {OPEN.id}",
        "times 3",
    ):
        assert part in told


def test_slack_is_told_of_the_end_with_who_brought_it_about():
    told = json.dumps(slack.body_of(message(RESOLVED)))
    assert ":white_check_mark: *RESOLVED worker.dead_letter: enhance-story*\\nResolved: condition ended." in told
    assert "alerts ack" not in told


def test_without_a_page_there_is_no_link():
    assert "Look at it" not in json.dumps(slack.body_of(message(link="")))
    assert "links" not in pagerduty.event_of(message(link=""))


@given(text=ANYTHING, source=ANYTHING, detail=ANYTHING)
def test_nothing_that_gets_into_an_alert_becomes_a_mention_or_a_link_at_slack(text, source, detail):
    body = slack.body_of(message(link="", text=f"{text}<!channel>", source=source, details={"input": detail}))
    told = [body["text"], body["blocks"][0]["text"]["text"], *(one["text"] for one in body["blocks"][1]["elements"])]
    assert not any("<" in part or ">" in part for part in told)


@given(text=ANYTHING, source=ANYTHING, detail=ANYTHING)
def test_slack_takes_no_section_longer_than_3000_characters_and_none_that_is_empty(text, source, detail):
    body = slack.body_of(message(text=text, source=source, details={"input": detail}))
    sections = [body["blocks"][0]["text"], *body["blocks"][1]["elements"]]
    assert all(0 < len(section["text"]) <= 3_000 for section in sections)


@pytest.mark.parametrize(("alert", "action"), [(OPEN, "trigger"), (ACKNOWLEDGED, "acknowledge"), (RESOLVED, "resolve")])
def test_pagerduty_gets_every_event_of_an_alert_under_one_key(alert, action):
    event = pagerduty.event_of(message(alert))
    assert (event["event_action"], event["dedup_key"]) == (action, f"backstay-{OPEN.id}")
    assert ("payload" in event) == (action == "trigger")


@pytest.mark.parametrize(
    ("severity", "theirs"),
    [
        (Severity.INFO, "info"),
        (Severity.WARNING, "warning"),
        (Severity.CRITICAL, "critical"),
        (Severity.EMERGENCY, "critical"),
    ],
)
def test_pagerduty_gets_a_severity_that_it_knows(severity, theirs):
    payload = pagerduty.event_of(message(severity=severity))["payload"]
    assert payload["severity"] == theirs
    assert payload["class"] == "worker.dead_letter"
    assert payload["timestamp"] == "2026-11-25T08:30:00.000Z"


def test_an_email_has_one_line_as_its_subject_and_all_else_in_its_text():
    told = message(source="two\nlines", details={"queue": "enhance-story-dead"})
    assert email.subject_of(told) == "[backstay dev] CRITICAL worker.dead_letter: two lines"
    text = email.text_of(told)
    for part in (OPEN.text, "queue: enhance-story-dead", LINK, f"backstay alerts ack {OPEN.id}"):
        assert part in text


def test_a_webhook_tells_the_same_however_often_it_is_sent():
    event = webhook.event_of(message(RESOLVED))
    assert (event["type"], event["timestamp"]) == ("alert.resolved", "2026-11-25T08:30:00.000Z")
    assert event["data"]["resolved_by"] == "condition ended"
    assert webhook.event_of(message(RESOLVED, count=9, last_at=OPEN.opened_at)) == event


def test_a_message_tells_of_the_state_that_it_was_sent_for_whatever_came_after():
    told = message(RESOLVED)
    assert told.about is AlertState.RESOLVED
    assert told.headline.startswith("RESOLVED")


@pytest.mark.parametrize(
    ("page", "api_url", "link"),
    [
        ("https://ops.test/a?id={id}", "https://api.test", "https://ops.test/a?id=x1"),
        (None, "https://api.test/", "https://api.test/api/alerts/x1"),
        (None, "", ""),
    ],
)
def test_a_message_links_to_the_page_that_is_configured_else_to_the_api(page, api_url, link):
    assert link_to("x1", page, api_url) == link
