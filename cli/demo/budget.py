"""The demo of a budget: a tenant hits its limit and waits, people are told, and it goes on when the limit is raised."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import httpx
from rich.console import Group, RenderableType

from cli.api import Api
from cli.demo.report import mark_of
from cli.demo.sender import script_model
from cli.local.alert_channels import SLACK
from cli.local.state import LocalCloud
from cli.output import duration_text, table_of
from cli.views import JobView

TENANT, WINDOW = "thrifty", "daily"
LIMIT, SPENT, RAISED = "1.00", "0.9995", "5.00"
"""US dollars; what is left is less than a story may cost."""

_TASK = "enhance-story"
_STORY = {
    "id": "thrifty-1",
    "title": "The bakery opens again",
    "content": "After two years of repairs the old bakery at the harbour opens again on Saturday, with its old oven.",
}
_PATIENCE_S = 120.0
_LOOK_EVERY_S = 0.5
_RULES = ("cost.budget_warning", "cost.budget_critical", "cost.budget_emergency")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done, or waited for."""

    name: str
    seen: str = ""
    """What came of it."""
    took_ms: float | None = None
    complaint: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.took_ms is not None


class BudgetStory:
    """Plays the story on a cloud that is up, step by step."""

    def __init__(self, cloud: LocalCloud, api: Api, tenant: str = TENANT) -> None:
        self._cloud, self._api = cloud, api
        self._tenant, self._scope = tenant, f"tenant:{tenant}"
        self._job_id = ""

    def play(self) -> Iterator[list[Step]]:
        """The steps as they stand, whenever that has changed."""
        acts: list[tuple[str, Callable[[], str]]] = [
            (f"tenant {self._tenant} may spend ${LIMIT} a day", self._set_limit),
            (f"${SPENT} of it were spent elsewhere", self._spend),
            ("its story waits for money", self._wait_for_refusal),
            ("75, 90 and 95 % are alerts, once each", self._wait_for_alerts),
            ("they arrive in Slack", self._wait_for_messages),
            (f"the limit is raised to ${RAISED}, the story goes on", self._raise_limit),
        ]
        steps = [Step(name) for name, _ in acts]
        for number, (_, act) in enumerate(acts):
            began = time.monotonic()
            seen = act()
            took_ms = 1000 * (time.monotonic() - began)
            complaint = "" if seen else f"did not happen within {_PATIENCE_S:.0f} s"
            steps[number] = replace(steps[number], seen=seen, took_ms=took_ms, complaint=complaint)
            yield list(steps)

    def _set_limit(self) -> str:
        window = self._put_limit(LIMIT)
        return f"${window['left']} left"

    def _spend(self) -> str:
        usage = {"provider": "anthropic", "model": "any", "cost_usd": SPENT, "tenant": self._tenant}
        self._api.post("/api/usage", usage)
        (window,) = [one for one in self._api.get(self._path)["windows"] if one["window"] == WINDOW]
        return f"{window['used_percent']} % used"

    def _wait_for_refusal(self) -> str:
        script_model(self._cloud, [])
        self._job_id = self._api.post("/api/jobs", {"task": _TASK, "input": _STORY, "tenant": self._tenant})["id"]
        return _first(self._refusal)

    def _refusal(self) -> str:
        job = self._api.get(f"/api/jobs/{self._job_id}")
        waits = job["state"] == "delayed" and job["budget"]
        return f"{job['reason']}: {job['budget']}" if waits else ""

    def _wait_for_alerts(self) -> str:
        return _first(lambda: " ".join(f"{one['severity']}" for one in self._alerts()) if self._has_all() else "")

    def _wait_for_messages(self) -> str:
        return _first(self._messages)

    def _raise_limit(self) -> str:
        self._put_limit(RAISED)
        return _first(self._end)

    def _end(self) -> str:
        job = JobView.of(self._api.get(f"/api/jobs/{self._job_id}"))
        return f"{job.state}, ${job.cost_usd}" if job.is_over and job.state == "completed" else ""

    def _has_all(self) -> bool:
        return sorted(one["rule"] for one in self._alerts()) == sorted(_RULES)

    def _alerts(self) -> list[dict[str, Any]]:
        found = self._api.get("/api/alerts")["alerts"]
        return [one for one in found if one["source"] == f"{self._scope}.{WINDOW}" and one["rule"] in _RULES]

    def _messages(self) -> str:
        url = f"{self._cloud.inbox_url}/alerts/{SLACK}"
        kept = httpx.get(url, timeout=10, trust_env=False).raise_for_status().json()
        count = sum(f"{self._scope} {WINDOW}" in delivery["body"] for delivery in kept)
        return f"{count} messages" if count >= len(_RULES) else ""

    def _put_limit(self, usd: str) -> dict[str, Any]:
        windows: list[dict[str, Any]] = self._api.put(f"{self._path}/{WINDOW}", {"limit": usd})["windows"]
        return next(one for one in windows if one["window"] == WINDOW)

    @property
    def _path(self) -> str:
        return f"/api/budgets/{quote(self._scope, safe='')}"


def _first(look: Callable[[], str]) -> str:
    """What is seen first, or nothing once nobody waits for it any longer."""
    ends_at = time.monotonic() + _PATIENCE_S
    while not (seen := look()) and time.monotonic() < ends_at:
        time.sleep(_LOOK_EVERY_S)
    return seen


def render_steps(steps: list[Step]) -> RenderableType:
    """The steps as a table; nothing before the first."""
    rows = [
        (
            mark_of(is_over=step.is_over, complaints=[step.complaint] if step.complaint else []),
            step.name,
            step.complaint or step.seen,
            duration_text(step.took_ms),
        )
        for step in steps
    ]
    return table_of(("", "step", "seen", "took"), rows, title="\nbudget of a tenant") if rows else Group()


def steps_to_json(steps: list[Step]) -> list[dict[str, Any]]:
    """The steps for a program."""
    return [{"name": one.name, "seen": one.seen, "complaint": one.complaint} for one in steps]
