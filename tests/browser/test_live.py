"""The page and its socket, in a real browser."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Locator, Page, WebSocket, expect

from backstay.jobs.control import Control
from backstay.jobs.endings import Retention
from backstay.live.changes import of_stream
from backstay.live.pushing import frame_of
from tests.sockets import SocketGateway
from tests.unit.live.test_changes import record

SignIn = Callable[..., Page]


def standing(page: Page) -> Locator:
    return page.locator("header").get_by_role("status")


def state_of_job(page: Page) -> Locator:
    return page.locator("main .state").first


def call_off(machine: Any, job: str) -> None:
    """Behind the page's back."""
    Control(machine.env, machine.catalog, Retention()).cancel(machine.record(job))


def frame_about(job_id: str, state: str) -> bytes:
    changes = of_stream([record(job_id, state)])
    return frame_of(changes[job_id.partition(".")[0]], "2026-11-25T15:00:00.000Z")


def test_what_changes_is_shown_when_it_is_told_though_nobody_asks(
    page: Page, sign_in: SignIn, machine: Any, gateway: SocketGateway
) -> None:
    job = machine.submit("obey", {"text": "later"}).id
    page.clock.install()
    sign_in()
    page.goto(f"/#/jobs/{job}")
    expect(state_of_job(page)).to_have_text("waiting")
    page.clock.run_for(5_000)
    expect(standing(page)).to_have_text("Live")
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=20))  # from here on no timer runs that would ask
    call_off(machine, job)
    gateway.push(frame_about(job, "cancelled"))
    expect(state_of_job(page)).to_have_text("cancelled")


def test_while_the_socket_is_cut_the_page_asks_and_then_it_is_told_again(
    page: Page, sign_in: SignIn, machine: Any, gateway: SocketGateway
) -> None:
    job = machine.submit("obey", {"text": "later"}).id
    sign_in()
    expect(standing(page)).to_have_text("Live")
    page.goto(f"/#/jobs/{job}")
    gateway.cut()
    expect(standing(page)).to_have_text("Polling")
    call_off(machine, job)
    expect(state_of_job(page)).to_have_text("cancelled")
    gateway.mend()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(standing(page)).to_have_text("Live")


def test_who_signs_out_is_told_nothing_more_and_the_key_stood_in_no_url(page: Page, sign_in: SignIn) -> None:
    opened: list[WebSocket] = []
    page.on("websocket", lambda socket: opened.append(socket))  # noqa: PLW0108 - Playwright marks what it is given
    sign_in()
    expect(standing(page)).to_have_text("Live")
    (socket,) = opened
    assert "bsk_" not in socket.url
    with socket.expect_event("close"):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
