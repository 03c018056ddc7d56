"""The pictures of docs/pictures, taken after the sample events: page and dashboards. `uv run python -m tests.pictures`.

Needs an embedded cloud of its own for some minutes, in the state directory that BACKSTAY_STATE_DIR names.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from cli.dashboards import draw
from cli.demo.run import Show
from cli.demo.runs import read_runs
from cli.demo.scenarios import read_events
from cli.local.cloud import Wish
from cli.local.state import REPOSITORY, LocalCloud, StateDirectory
from cli.target import local_target
from tests.browser.conftest import ARGUMENTS, chromium

PICTURES = REPOSITORY / "docs" / "pictures"
_SHOWN_MINUTES = 6
_SETTLED_MS, _PATIENCE_MS = 1_500, 20_000
_LARGEST_BYTES = 150_000


def main() -> None:
    """Play the sample events, then photograph every view and draw every dashboard."""
    state = StateDirectory.choose(None)
    _play(state)
    cloud = state.require_cloud()
    PICTURES.mkdir(exist_ok=True)
    draw(local_target(cloud, state), PICTURES, _SHOWN_MINUTES)
    with _signed_in(cloud) as page:
        for view in page.get_by_role("navigation").get_by_role("link").all_inner_texts():
            _photograph(page, view)
    for path in PICTURES.iterdir():
        if path.stat().st_size > _LARGEST_BYTES:
            sys.exit(f"{path} has {path.stat().st_size} bytes; {_LARGEST_BYTES} are what a page of docs bears")


def _play(state: StateDirectory) -> None:
    show = Show(quiet=True)
    show.run(state, Wish(), [entry for events in read_events(REPOSITORY / "events") for entry in events.entries])
    show.run_sagas(state, read_runs(REPOSITORY / "events" / "sagas"))
    show.run_budget(state)
    show.sum_up(state)
    show.finish(as_json=False)


@contextmanager
def _signed_in(cloud: LocalCloud) -> Iterator[Page]:
    path, libraries = chromium()
    environment = {"LD_LIBRARY_PATH": libraries} if libraries else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, env=environment)
        page = browser.new_page(base_url=cloud.dashboard_url, viewport={"width": 1100, "height": 720}, locale="en-US")
        page.goto("/")
        page.get_by_label("API key").fill(cloud.api_key)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Overview").wait_for()
        yield page
        browser.close()


def _photograph(page: Page, view: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=view, exact=True).click()
    page.get_by_role("heading", name=view, level=1).wait_for()
    expect(page.get_by_text("Loading…")).to_have_count(0, timeout=_PATIENCE_MS)
    page.wait_for_timeout(_SETTLED_MS)  # what is asked for in several steps is all there
    page.screenshot(path=PICTURES / f"page-{view.lower().replace(' ', '-')}.png")


if __name__ == "__main__":
    main()
