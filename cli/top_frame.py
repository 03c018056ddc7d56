"""One frame of `backstay top`, from what the API answers; 80 columns are enough for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.output import duration_text

Document = Mapping[str, Any]

_COLUMNS = ("waiting", "active", "delayed", "completed", "failed", "dead_letters")
_HEADS = ("wait", "run", "delay", "done", "fail", "dead", "oldest", "/min", "ok")
_NAME_COLUMNS = 22
_STYLES = {"healthy": "green", "degraded": "yellow", "unhealthy": "bold red", "ready": "green"}
_MOST_REASONS, _MOST_BUDGETS, _BAR = 4, 5, 20
_FULL, _NEARLY_FULL = 95, 75
"""Percent of a budget, from which on it is red, and yellow."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands, as the API answers it."""

    name: str
    at: str
    overview: Document
    stats: Document
    providers: Sequence[Document]
    """None for a key of one tenant."""

    @property
    def documents(self) -> dict[str, Any]:
        """For programs."""
        return {"at": self.at, "overview": self.overview, "stats": self.stats, "providers": list(self.providers)}


def frame_of(standing: Standing) -> RenderableType:
    """The whole frame."""
    parts: list[RenderableType] = [_headline(standing), *_reasons(standing.overview), "", _tasks(standing.stats)]
    if standing.providers:
        parts += ["", _providers(standing.providers)]
    return Group(*parts, "", *_money(standing.overview))


def _headline(standing: Standing) -> Text:
    overview = standing.overview
    status, alerts, flows = overview["status"], overview["alerts"], overview["health"]["workflows"]
    line = Text.assemble((standing.name, "bold"), f"  {standing.at[11:19]}Z")
    if status:
        line.append(f"  {status}", _STYLES.get(status, ""))
    if alerts:
        loud = ", ".join(f"{count} {severity}" for severity, count in alerts["by_severity"].items())
        line.append(f"  alerts {alerts['unresolved']}{f' ({loud})' if loud else ''}", "red" if loud else "")
    line.append(f"  runs {flows['active']}{f', {stuck} stuck' if (stuck := flows['stuck']) else ''}")
    return line


def _reasons(overview: Document) -> Iterator[Text]:
    for reason in (overview["reasons"] or ())[:_MOST_REASONS]:
        yield Text(f"  {reason['about']}: {reason['text']}", _STYLES.get(reason["status"], ""), overflow="ellipsis")


def _tasks(stats: Document) -> Table:
    table = _table("task", *_HEADS)
    busy_first = sorted(stats["tasks"], key=lambda task: (-task["waiting"] - task["active"], task["task"]))
    for task in busy_first:
        table.add_row(_task_name(task), *_numbers(task))
    table.add_section()
    table.add_row(Text("total", "bold"), *_numbers(stats["total"]))
    return table


def _task_name(task: Document) -> Text:
    return Text.assemble(task["task"], (" paused", "yellow") if task["paused"] else "")


def _numbers(numbers: Document) -> list[Text]:
    oldest, rate, success = (numbers[key] for key in ("oldest_waiting_s", "throughput_per_minute", "success_rate"))
    counts = [_count(name, numbers[name]) for name in _COLUMNS]
    return [
        *counts,
        Text(duration_text(None if oldest is None else oldest * 1000)),
        Text("" if rate is None else f"{rate:.1f}"),
        Text("" if success is None else f"{success:.0%}"),
    ]


def _count(name: str, count: int | None) -> Text:
    is_bad = bool(count) and name == "dead_letters"
    return Text("" if count is None else _short(count), "bold red" if is_bad else "" if count else "bright_black")


def _short(count: int) -> str:
    """A number in at most five characters."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= 10 * size or (count >= size and size > 10**3):
            return f"{count / size:.0f}{unit}" if count >= 10 * size else f"{count / size:.1f}{unit}"
    return str(count)


def _providers(providers: Sequence[Document]) -> Table:
    table = _table("provider", "state", "minute", "calls", "ok", "latency", "tokens", "cost")
    for provider in providers:
        today, rate, state = provider["today"], provider["rate"], _state_of(provider)
        success = today["success_rate"]
        table.add_row(
            provider["name"],
            Text(state, _STYLES.get(state, "red" if provider["configured"] else "bright_black")),
            _use(rate) if rate else "",
            _short(today["calls"]),
            "" if success is None else f"{success:.0%}",
            duration_text(today["average_latency_ms"]),
            _short(today["input_tokens"] + today["output_tokens"]),
            _usd(today["cost_usd"]),
        )
    return table


def _state_of(provider: Document) -> str:
    if not provider["configured"]:
        return "no key"
    if provider["paused"]:
        return "paused"
    state = provider["breaker"]["state"]
    return "ready" if state == "closed" else str(state)


def _use(rate: Document) -> str:
    limit = rate["requests_per_minute"]
    return f"{rate['requests']}/{limit}" if limit else str(rate["requests"])


def _money(overview: Document) -> Iterator[RenderableType]:
    cache = overview["health"]["cache"]
    hits = "" if cache["hit_rate"] is None else f", {cache['hit_rate']:.0%} of questions from the cache"
    yield Text.assemble(
        ("today ", "bold"),
        f"{_usd(overview['cost_today_usd'])} for {overview['calls_today']} calls{hits}",
        f", {_usd(cache['saved_usd'])} saved",
    )
    for budget in (overview["budgets"] or ())[:_MOST_BUDGETS]:
        percent = budget["used_percent"]
        style = "red" if percent >= _FULL else "yellow" if percent >= _NEARLY_FULL else "green"
        filled = min(_BAR, round(percent / 100 * _BAR))
        yield Text.assemble(
            f"  {budget['scope'][:34]:<34} {budget['window']:<8} ",
            ("━" * filled, style),
            ("·" * (_BAR - filled), "bright_black"),
            (f" {percent:6.1f} %", style),
        )


def _usd(amount: str) -> str:
    value = Decimal(amount)
    return f"${value:,.2f}" if value >= 1 or not value else f"${value:.6f}".rstrip("0")


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True, overflow="ellipsis", min_width=12, max_width=_NAME_COLUMNS)
    for name in others:
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True, overflow="ellipsis")
    return table
