"""Alerts, silences and maintenance windows over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from backstay.alerts.alerting import Alerting
from backstay.alerts.occurrence import Kind, Occurrence
from backstay.alerts.rules import BUILT_IN
from backstay.clock import iso, utc_now
from backstay.settings import Environment

RULE = "worker.queue_depth"


@pytest.fixture
def alerting(cloud: Environment) -> Alerting:
    return Alerting(cloud.alerts_table, BUILT_IN, lambda _: None)


@pytest.fixture(autouse=True)
def api_alerting(handler, alerting: Alerting) -> None:
    """The API tells nobody in these tests."""
    from api.services import services

    services().alerting = alerting


def open_alert(alerting: Alerting, source: str = "obey", ago: timedelta = timedelta(0)) -> str:
    alert = alerting.take(Occurrence(RULE, source, Kind.BEGINS, utc_now() - ago, "it is deep; look at obey"))
    assert alert is not None
    return alert.id


def test_an_alert_is_seen_looked_after_and_resolved(client, alerting: Alerting) -> None:
    caller, alert_id = client(), open_alert(alerting)
    (shown,) = caller("GET", "/api/alerts").json["alerts"]
    assert (shown["id"], shown["rule"], shown["category"], shown["source"]) == (alert_id, RULE, "worker", "obey")
    assert (shown["severity"], shown["state"], shown["text"]) == ("warning", "open", "it is deep; look at obey")

    looked_after = caller("POST", f"/api/alerts/{alert_id}/acknowledge").json
    assert (looked_after["state"], looked_after["acknowledged_by"]) == ("acknowledged", caller.key.split("_")[1])
    assert caller("POST", f"/api/alerts/{alert_id}/resolve").json["state"] == "resolved"
    assert caller("GET", f"/api/alerts/{alert_id}").json["resolved_by"] == caller.key.split("_")[1]

    refused = caller("POST", f"/api/alerts/{alert_id}/acknowledge")
    assert (refused.status, "is resolved" in refused.json["detail"]) == (409, True)
    assert caller("POST", f"/api/alerts/{alert_id}/resolve").status == 200


def test_alerts_are_listed_by_state_and_page(client, alerting: Alerting) -> None:
    caller = client()
    first, second = open_alert(alerting, "a", timedelta(seconds=1)), open_alert(alerting, "b")
    caller("POST", f"/api/alerts/{first}/resolve")
    page = caller("GET", "/api/alerts", query={"limit": "1"}).json
    assert [alert["id"] for alert in page["alerts"]] == [second]
    following = caller("GET", "/api/alerts", query={"limit": "1", "cursor": page["cursor"]}).json
    assert [alert["id"] for alert in following["alerts"]] == [first]
    unresolved = caller("GET", "/api/alerts", query={"state": "unresolved"}).json["alerts"]
    assert [alert["id"] for alert in unresolved] == [second]
    resolved = caller("GET", "/api/alerts", query={"state": "resolved"}).json["alerts"]
    assert [alert["id"] for alert in resolved] == [first]
    assert caller("GET", "/api/alerts", query={"cursor": "nonsense"}).status == 422


def test_an_unknown_alert_is_404(client) -> None:
    for method, path in [("GET", ""), ("POST", "/acknowledge"), ("POST", "/resolve")]:
        answer = client()(method, f"/api/alerts/nothing{path}")
        assert (answer.status, "there is no alert 'nothing'" in answer.json["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("wanted", "covers"),
    [({"rule": RULE}, "rule"), ({"category": "worker"}, "category"), ({"source": "obey"}, "source")],
)
def test_a_silence_is_made_listed_and_ended(client, alerting: Alerting, wanted: dict[str, str], covers: str) -> None:
    caller = client()
    made = caller("POST", "/api/silences", {**wanted, "reason": "known"}).json
    assert (made["covers"], made["value"], made["reason"]) == (covers, *wanted.values(), "known")
    assert caller("GET", "/api/silences").json["silences"] == [made]
    assert caller("GET", "/api/maintenance-windows").json["maintenance_windows"] == []

    muted = caller("GET", f"/api/alerts/{open_alert(alerting)}").json
    assert (muted["muted_by"], muted["state"]) == (made["id"], "open")

    ended = caller("DELETE", f"/api/silences/{made['id']}").json
    assert ended["ends_at"] < made["ends_at"]
    assert caller("GET", "/api/silences").json["silences"] == []
    assert caller("DELETE", f"/api/silences/{made['id']}").json == ended


def test_a_silence_is_an_hour_long_unless_somebody_says_otherwise(client, alerting: Alerting) -> None:
    client()("POST", "/api/silences", {"source": "a"})
    client()("POST", "/api/silences", {"source": "b", "minutes": 5})
    spans = [mute.ends_at - mute.begins_at for mute in alerting.mutes.not_over(utc_now())]
    assert spans == [timedelta(minutes=5), timedelta(hours=1)]


@pytest.mark.parametrize("wanted", [{}, {"rule": RULE, "source": "obey"}, {"rule": RULE, "minutes": 0}])
def test_a_silence_names_one_thing_and_a_time(client, wanted: dict[str, Any]) -> None:
    assert client()("POST", "/api/silences", wanted).status == 422


def test_maintenance_is_planned_listed_and_called_off(client, alerting: Alerting) -> None:
    caller, now = client(), utc_now()
    times = {"begins_at": iso(now + timedelta(hours=1)), "ends_at": iso(now + timedelta(hours=2))}
    planned = caller("POST", "/api/maintenance-windows", {"categories": ["worker", "api"], **times}).json
    assert {name: planned[name] for name in times} == times
    assert planned["categories"] == ["api", "worker"]
    assert caller("GET", "/api/maintenance-windows").json["maintenance_windows"] == [planned]
    assert caller("GET", f"/api/alerts/{open_alert(alerting)}").json["muted_by"] is None
    caller("DELETE", f"/api/maintenance-windows/{planned['id']}")
    assert caller("GET", "/api/maintenance-windows").json["maintenance_windows"] == []


def test_maintenance_that_is_over_before_it_begins_is_refused(client) -> None:
    now = utc_now()
    for span in (
        {"ends_at": iso(now - timedelta(minutes=1))},
        {"begins_at": iso(now + timedelta(hours=2)), "ends_at": iso(now + timedelta(hours=1))},
    ):
        answer = client()("POST", "/api/maintenance-windows", span)
        assert (answer.status, list(answer.fields)) == (422, ["ends_at"])


def test_a_silence_is_no_maintenance_window_and_the_other_way_round(client) -> None:
    caller = client()
    silence = caller("POST", "/api/silences", {"rule": RULE}).json["id"]
    assert caller("DELETE", f"/api/maintenance-windows/{silence}").status == 404
    assert caller("GET", "/api/silences").json["silences"] != [], "it still stands"
    assert caller("DELETE", "/api/silences/nothing").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/alerts"),
        ("GET", "/api/alerts/a"),
        ("POST", "/api/alerts/a/acknowledge"),
        ("POST", "/api/alerts/a/resolve"),
        ("GET", "/api/silences"),
        ("DELETE", "/api/silences/s"),
        ("GET", "/api/maintenance-windows"),
        ("DELETE", "/api/maintenance-windows/w"),
    ],
)
def test_alerts_concern_every_tenant(client, method: str, path: str) -> None:
    answer = client("newsroom")(method, path)
    assert (answer.status, "concerns every tenant" in answer.json["detail"]) == (403, True)
