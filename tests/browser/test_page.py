"""What people do on the page, in a real browser."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from backstay import aws
from backstay.clock import iso, utc_now
from backstay.dynamodb import encode_item
from backstay.jobs.counter_store import CounterStore, task_counters_id
from backstay.jobs.record import State

SignIn = Callable[..., Page]
VIEWS = (
    "Overview",
    "Jobs",
    "Dead letters",
    "Runs",
    "Workers",
    "Providers",
    "Integrations",
    "Budgets",
    "Costs",
    "Alerts",
)
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e\u0645\u0631\u062d\u0628\u0627"


def see(page: Page, view: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=view, exact=True).click()
    page.get_by_role("heading", name=view, level=1).wait_for()
    expect(page.get_by_text("Loading…")).to_have_count(0)


def deliver(machine: Any) -> None:
    """Let the worker run what waits; in a thread, since Playwright's own loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(machine.deliver, "obey").result()


def failed_job(machine: Any, text: str = "") -> str:
    record = machine.submit("obey", {"reject": True, "text": text})
    deliver(machine)
    assert machine.record(record.id).state is State.FAILED
    return str(record.id)


def test_a_wrong_key_opens_nothing_and_the_right_one_stays_in_the_tab_alone(page: Page, sign_in: SignIn) -> None:
    page.goto("/")
    page.get_by_label("API key").fill("bsk_0000000000_0000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This key opens nothing.")
    sign_in()
    kept = page.evaluate("[Object.keys(sessionStorage).length, Object.keys(localStorage).length, document.cookie]")
    assert kept == [1, 0, ""]
    assert "bsk_" not in page.url
    page.reload()
    page.get_by_role("heading", name="Overview").wait_for()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_accessible(sign_in: SignIn, machine: Any, axe: str, scheme: Any) -> None:
    job = failed_job(machine)
    page = sign_in()
    page.emulate_media(color_scheme=scheme)
    page.evaluate(axe)
    for view in VIEWS:
        see(page, view)
        assert faults(page) == [], view
    page.goto(f"/#/jobs/{job}")
    page.get_by_role("heading", name=f"Job {job}").wait_for()
    assert faults(page) == []


def faults(page: Page) -> list[str]:
    """What axe-core finds."""
    found: list[str] = page.evaluate(
        "async () => (await axe.run()).violations.map(one => `${one.id}: ${one.nodes[0].html}`)"
    )
    return found


def test_on_a_phone_nothing_stands_out_at_the_side(sign_in: SignIn, machine: Any) -> None:
    job = failed_job(machine, "x" * 500)
    page = sign_in()
    page.set_viewport_size({"width": 375, "height": 700})
    for view in VIEWS:
        see(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, view
    page.goto(f"/#/jobs/{job}")
    page.get_by_role("heading", name="Input").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_a_job_is_found_by_its_state_and_called_off_by_keyboard_alone(sign_in: SignIn, machine: Any) -> None:
    failed_job(machine)
    waiting = machine.submit("obey", {"text": "later"})
    page = sign_in()
    see(page, "Jobs")
    page.get_by_label("State").focus()
    page.keyboard.type("waiting")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=waiting.id).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Cancel this job?")
    page.keyboard.press("Escape")
    assert machine.record(waiting.id).state is State.WAITING
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main .state").first).to_have_text("cancelled")
    assert machine.record(waiting.id).state is State.CANCELLED


def test_what_failed_for_good_is_sent_anew(sign_in: SignIn, machine: Any) -> None:
    job = failed_job(machine)
    page = sign_in()
    see(page, "Dead letters")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("told to reject")
    page.get_by_role("link", name=job).click()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("main .state").first).to_have_text("waiting")
    assert machine.record(job).state is State.WAITING


def test_who_may_only_look_is_shown_nothing_to_act_with(sign_in: SignIn, machine: Any) -> None:
    job = failed_job(machine)
    page = sign_in("*", "read")
    for view in VIEWS:
        see(page, view)
        assert page.locator("main").get_by_role("button").count() == 0, view
    page.goto(f"/#/jobs/{job}")
    page.get_by_role("heading", name="Input").wait_for()
    assert page.locator("main").get_by_role("button").count() == 0


def test_hostile_content_is_shown_as_text(sign_in: SignIn, machine: Any) -> None:
    record = machine.submit("obey", {"text": HOSTILE})
    deliver(machine)
    page = sign_in()
    page.goto(f"/#/jobs/{record.id}")
    expect(page.get_by_label("Result")).to_contain_text("<img src=x onerror=alert(1)><script>alert(2)</script>")
    assert page.locator("main img, main script").count() == 0


def test_a_megabyte_is_shown_in_part_until_somebody_wants_it_whole(sign_in: SignIn, machine: Any) -> None:
    record = machine.submit("obey", {})
    page = sign_in()
    with page.expect_response(f"**/api/jobs/{record.id}") as first:
        page.goto(f"/#/jobs/{record.id}")
    huge = {**first.value.json(), "result": {"text": "y" * 1_000_000}}
    page.route(f"**/api/jobs/{record.id}", lambda route: route.fulfill(json=huge))
    expect(page.get_by_role("button", name="Show all 1000 kB")).to_be_visible()
    assert page.evaluate("document.body.innerText.length") < 100_000
    page.get_by_role("button", name="Show all 1000 kB").click()
    expect(page.get_by_role("button", name="Show all 1000 kB")).to_have_count(0)


def test_five_thousand_jobs_are_listed_and_the_page_still_answers(sign_in: SignIn, machine: Any) -> None:
    machine.submit("obey", {})
    page = sign_in()
    with page.expect_response("**/api/jobs?*") as first:
        see(page, "Jobs")
    (one,) = first.value.json()["jobs"]

    def answer(route: Route) -> None:
        number = int(route.request.url.partition("cursor=")[2] or 0)
        jobs = [{**one, "id": f"default.job{number * 100 + place:05}"} for place in range(100)]
        route.fulfill(json={"jobs": jobs, "cursor": str(number + 1) if number < 49 else None})

    see(page, "Overview")
    page.route("**/api/jobs?*", answer)
    see(page, "Jobs")
    for pages in range(1, 50):
        expect(page.locator("tbody tr")).to_have_count(pages * 100)
        page.get_by_role("button", name="More").click()
    expect(page.locator("tbody tr")).to_have_count(5_000)
    expect(page.get_by_role("button", name="More")).to_have_count(0)
    page.get_by_label("State").focus()
    assert page.evaluate("document.activeElement.tagName") == "SELECT"


def test_a_connection_that_is_cut_is_told_and_forgotten_when_it_is_back(sign_in: SignIn, machine: Any) -> None:
    page = sign_in()
    expect(page.get_by_role("link", name="obey", exact=True)).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("The API can't be reached")
    expect(page.get_by_role("link", name="obey", exact=True)).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_task_is_paused_after_a_question_and_not_without_its_answer(sign_in: SignIn, machine: Any) -> None:
    page = sign_in()
    page.route("**/api/tasks/**", lambda route: route.fulfill(json={}))  # moto has no event sources to pause
    row = page.locator("tbody tr").filter(has=page.get_by_role("link", name="obey", exact=True))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    row.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    row.get_by_role("button", name="Pause").click()
    with page.expect_request("**/api/tasks/obey/pause"):
        page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    assert len(asked) == 1


def test_the_overview_says_whether_the_house_is_well_and_why_not(sign_in: SignIn, machine: Any) -> None:
    page = sign_in()
    health = page.get_by_role("region", name="Health")
    expect(health).to_contain_text("healthy")
    CounterStore(machine.env.jobs_table).note_paused("obey", paused=True)
    expect(health).to_contain_text("degraded")
    expect(health.get_by_role("listitem")).to_have_text("obey: is paused")


def test_the_overview_tells_how_jobs_ended_before(sign_in: SignIn, machine: Any) -> None:
    minute = {"id": task_counters_id("obey"), "part": f"minute#{iso(utc_now())[:16]}", "completed": 5, "failed": 1}
    aws.dynamodb().put_item(TableName=machine.env.jobs_table, Item=encode_item(minute))
    page = sign_in()
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text("6 ended in the last hour, 1 of them failed.")
    history.get_by_role("combobox").select_option("year")
    expect(history).to_contain_text("0 ended in the last year, 0 of them failed.")


def test_workers_and_what_the_house_talks_to_are_listed(sign_in: SignIn, machine: Any) -> None:
    page = sign_in()
    see(page, "Workers")
    row = page.locator("tbody tr").filter(has=page.get_by_role("link", name="obey", exact=True))
    expect(row).to_contain_text("0 of 20")
    expect(row).to_contain_text("512 MB")
    see(page, "Integrations")
    expect(page.locator("tbody")).to_contain_text("model provider")


def test_a_key_of_one_tenant_sees_an_overview_of_its_own(sign_in: SignIn, machine: Any) -> None:
    page = sign_in("newsroom", "read")
    expect(page.locator("main")).to_contain_text("Spent today")
    expect(page.get_by_role("region", name="Health")).to_have_count(0)
    expect(page.get_by_role("region", name="History")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
