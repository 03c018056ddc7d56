"""Alerts, silences and maintenance windows on the page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from backstay.alerts.alerting import Alerting
from backstay.alerts.occurrence import Kind, Occurrence
from backstay.alerts.rules import BUILT_IN
from backstay.clock import utc_now
from backstay.settings import Environment

SignIn = Callable[..., Page]


@pytest.fixture
def alerting(cloud: Environment, handler: object) -> Alerting:
    """Where the test and the API open and close alerts, and tell nobody."""
    from api.services import services

    services().alerting = made = Alerting(cloud.alerts_table, BUILT_IN, lambda _: None)
    return made


@pytest.fixture
def page_of_alerts(sign_in: SignIn, alerting: Alerting) -> Page:
    """With one alert open."""
    alerting.take(Occurrence("worker.queue_depth", "obey", Kind.BEGINS, utc_now(), "obey's queue is deep"))
    page = sign_in()
    page.get_by_role("navigation").get_by_role("link", name="Alerts").click()
    expect(page.get_by_text("obey's queue is deep")).to_be_visible()
    return page


def test_an_alert_is_acknowledged_and_resolved(page_of_alerts: Page) -> None:
    row = page_of_alerts.locator("tbody tr").first
    expect(row).to_contain_text("unresolved")
    row.get_by_role("button", name="Acknowledge").click()
    expect(row).to_contain_text("acknowledged")
    expect(row.get_by_role("button", name="Acknowledge")).to_have_count(0)
    row.get_by_role("button", name="Resolve").click()
    expect(row).to_contain_text("resolved")
    expect(row.get_by_role("button")).to_have_count(0)


def test_a_rule_is_silenced_and_the_silence_ended(page_of_alerts: Page) -> None:
    page_of_alerts.get_by_role("button", name="Silence").click()
    page_of_alerts.get_by_role("dialog").get_by_role("button", name="Silence").click()
    silences = page_of_alerts.get_by_role("region", name="Silences")
    expect(silences).to_contain_text("rule worker.queue_depth")
    silences.get_by_role("button", name="End").click()
    expect(page_of_alerts.get_by_text("Nothing is silenced.")).to_be_visible()


def test_maintenance_is_planned_and_ended_and_what_can_not_be_is_told(page_of_alerts: Page) -> None:
    form = page_of_alerts.get_by_role("form", name="Plan a maintenance window")
    form.get_by_label("of categories").fill("Worker!")
    form.get_by_role("button", name="Plan").click()
    expect(form.get_by_role("alert")).to_contain_text("categories")
    form.get_by_label("of categories").fill("worker, api")
    form.get_by_label("why").fill("the new network")
    form.get_by_role("button", name="Plan").click()
    windows = page_of_alerts.get_by_role("region", name="Maintenance windows")
    expect(windows).to_contain_text(re.compile("api, worker.*the new network"))
    windows.get_by_role("button", name="End").click()
    expect(page_of_alerts.get_by_text("None is planned.")).to_be_visible()
