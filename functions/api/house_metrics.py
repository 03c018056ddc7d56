"""How the house stands, as metrics: named as those in CloudWatch, in snake case and with `backstay_` before."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .house import HouseState
from .prometheus import Family, Sample, summed

if TYPE_CHECKING:
    from backstay.budgets.budget import Budget
    from backstay.costs.spending import Spending
    from backstay.jobs.stats import TaskStats

_PREFIX = "backstay_"
_STATES = ("waiting", "delayed", "active", "completed", "failed", "cancelled")


def families(house: HouseState) -> Iterator[Family]:
    """Every metric that there is something to say of."""
    yield from _of_tasks(house.stats.tasks if house.stats else ())
    yield from _of_providers(house)
    yield from _of_spending(house)
    yield from _of_budgets(house.budgets)
    yield from _of_runs(house)
    severities = Counter(alert.severity.value for alert in house.alerts)
    yield _gauge(
        "alerts_unresolved", "Alerts that are open or acknowledged.",
        (Sample(count, {"severity": severity}) for severity, count in sorted(severities.items())),
    )  # fmt: skip
    yield _gauge("unread_parts", "Parts of this answer that could not be read.", [Sample(len(house.unread), {})])


def _of_tasks(tasks: "Iterable[TaskStats]") -> Iterator[Family]:
    tasks = tuple(tasks)
    yield _gauge(
        "jobs", "Jobs by task and state; completed, failed and cancelled ones ever.",
        (Sample(getattr(one.counts, state), {"task": one.task, "state": state}) for one in tasks for state in _STATES),
    )  # fmt: skip
    yield _gauge(
        "oldest_waiting_seconds", "How long the job has waited that waits longest.", _numbers(tasks, "oldest_waiting_s")
    )
    yield _gauge("dead_letters", "Messages in dead letter queues.", _numbers(tasks, "dead_letters"))
    yield _summary(
        "queue_wait_milliseconds", "How long jobs have waited for a worker.",
        (one for task in tasks for one in summed({"task": task.task}, task.times.wait_ms, task.times.claims)),
    )  # fmt: skip
    yield _summary(
        "run_time_milliseconds", "How long runs of jobs have taken.",
        (one for task in tasks for one in summed({"task": task.task}, task.times.run_ms, task.times.runs)),
    )  # fmt: skip
    yield _counter(
        "attempts",
        "Attempts that jobs had used up when they ended.",
        (Sample(one.times.attempts, {"task": one.task}) for one in tasks),
    )
    paused = (Sample(int(one.paused), {"task": one.task}) for one in tasks if one.paused is not None)
    yield _gauge("task_paused", "1 while a task is paused.", paused)


def _of_providers(house: HouseState) -> Iterator[Family]:
    activity = house.activity.items()
    yield _summary(
        "model_call_time_milliseconds", "How long providers have taken for answers since midnight, UTC.",
        (one for name, today in activity for one in summed({"provider": name}, today.latency_ms, today.calls)),
    )  # fmt: skip
    yield _counter(
        "model_call_failed", "Calls of models that failed since midnight, UTC.",
        (Sample(today.failures, {"provider": name}) for name, today in activity),
    )  # fmt: skip
    yield _gauge(
        "circuit_opened", "1 while a circuit breaker lets nothing through, or only a probe.",
        (Sample(int(one.state != "CLOSED" or bool(one.held)), {"circuit": one.name}) for one in house.breakers),
    )  # fmt: skip
    balances = {name: state.balance for name, state in house.credits.items() if state.balance}
    remaining = {name: one.remaining_usd for name, one in balances.items()}
    yield _gauge(
        "credits_remaining", "US dollars that are left of a provider's credit.",
        (Sample(float(left), {"provider": name}) for name, left in remaining.items() if left is not None),
    )  # fmt: skip


def _of_spending(house: HouseState) -> Iterator[Family]:
    from backstay.costs.spending import Spending

    by_model: dict[tuple[str, str], Spending] = {}
    for line, spending in house.lines:
        if line.cell:
            key = line.cell.provider, line.cell.model
            by_model[key] = by_model.get(key, Spending()) + spending
    for name, text, field in (
        ("model_calls", "Calls that were paid for", "calls"),
        ("input_tokens", "Tokens of questions", "input_tokens"),
        ("output_tokens", "Tokens of answers", "output_tokens"),
        ("cost_usd", "US dollars spent", "cost_usd"),
        ("cache_hits", "Questions that were answered from the cache", "hits"),
    ):
        yield _counter(name, f"{text} since midnight, UTC.", _spent(by_model, field))


def _spent(by_model: "dict[tuple[str, str], Spending]", field: str) -> Iterator[Sample]:
    for (provider, model), spending in by_model.items():
        yield Sample(float(getattr(spending, field)), {"provider": provider, "model": model})


def _of_budgets(budgets: "Iterable[Budget]") -> Iterator[Family]:
    from backstay.budgets.gauges import metric_of

    used: dict[str, list[Sample]] = {"BudgetUsedPercent": [], "QuotaUsedPercent": []}
    for budget in budgets:
        for window, account in budget.accounts.items():
            if (percent := account.used_percent) is not None:
                labels = {"scope": budget.scope, "window": window.value}
                used[metric_of(budget.scope)].append(Sample(float(percent), labels))
    yield _gauge("budget_used_percent", "How much of a budget is spent.", used["BudgetUsedPercent"])
    yield _gauge("quota_used_percent", "How much of a quota is used.", used["QuotaUsedPercent"])


def _of_runs(house: HouseState) -> Iterator[Family]:
    sagas = house.sagas.items()
    yield _counter("runs_started", "Runs of sagas.", (Sample(of.started, {"saga": name}) for name, of in sagas))
    yield _gauge(
        "runs", "Runs by saga and the state that they ended in, or running.",
        (
            Sample(count, {"saga": name, "state": state})
            for name, of in sagas
            for state, count in (("running", of.running), *((str(end), n) for end, n in of.ends.items()))
        ),
    )  # fmt: skip
    yield _gauge(
        "runs_stuck", "Runs that take too long, now.", (Sample(of.stuck, {"saga": name}) for name, of in sagas)
    )
    undone = [Sample(house.undone_in_part, {})] if house.sagas else []
    yield _gauge("runs_compensation_failed", "Runs that need a person, now: not all could be undone.", undone)


def _numbers(tasks: "Iterable[TaskStats]", name: str) -> Iterator[Sample]:
    for one in tasks:
        if (value := getattr(one.counts, name)) is not None:
            yield Sample(float(value), {"task": one.task})


def _gauge(name: str, text: str, samples: Iterable[Sample]) -> Family:
    return Family(_PREFIX + name, text, "gauge", tuple(samples))


def _counter(name: str, text: str, samples: Iterable[Sample]) -> Family:
    return Family(f"{_PREFIX}{name}_total", text, "counter", tuple(samples))


def _summary(name: str, text: str, samples: Iterable[Sample]) -> Family:
    return Family(_PREFIX + name, text, "summary", tuple(samples))
