"""The stage's dashboards, derived from its tasks, providers and sagas. CloudWatch's first three are free. Pure.

overview: jobs, the API, functions, tables, alerts, sagas; tasks: one row a task; money: providers, costs, budgets.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backstay.alerts.occurrence import Severity
from backstay.budgets.gauges import metric_of
from backstay.budgets.periods import Window
from backstay.catalog import AnyTask
from backstay.circuits import provider_circuit
from backstay.telemetry import NAMESPACE
from infra.measures import dead_queue_of
from infra.table_alarms import OPERATIONS
from infra.widgets import Graph, Heading, Row, Series


@dataclass(frozen=True, slots=True)
class Watched:
    """What there is to see."""

    prefix: str
    """What physical names start with."""
    tasks: Sequence[AnyTask]
    sagas: Sequence[str]
    providers: Sequence[str]
    budgets: Mapping[str, Collection[Window]]
    """The windows of each scope in which it has a limit."""
    tables: Mapping[str, str]
    """Physical names by what they are called."""
    api_id: str


def dashboards(watched: Watched) -> Mapping[str, Sequence[Row]]:
    """The rows of every dashboard, by the end of its name."""
    return {
        "overview": list(_overview(watched)),
        "tasks": list(_tasks(watched)),
        "money": [*_providers(watched), *_money(watched)],
    }


def _overview(watched: Watched) -> Iterator[Row]:
    yield Heading("## Jobs")
    yield (
        _by_task(watched, "Completed", "JobsToCompleted"),
        _by_task(watched, "Failed", "JobsToFailed"),
        Graph("Waiting", "messages", tuple(_depth(watched, queue) for queue in _queues(watched)), is_stacked=True),
        Graph("Dead letters", "messages", tuple(_dead(watched, task) for task in watched.tasks), is_stacked=True),
    )
    yield Heading("## API, functions and tables")
    yield _house(watched)
    yield Heading("## Sagas")
    yield _sagas(watched)


def _house(watched: Watched) -> tuple[Graph, ...]:
    api = f"{watched.prefix}api"
    answers = {"ApiId": watched.api_id}
    of_api = (
        _of_function(api, "Invocations", "Sum", "requests"),
        Series("AWS/ApiGateway", "4xx", "Sum", "4xx", answers),
        Series("AWS/ApiGateway", "5xx", "Sum", "5xx", answers),
    )
    took = tuple(_of_function(api, "Duration", statistic, statistic) for statistic in ("p50", "p95"))
    ill = tuple(Series("AWS/Lambda", name, "Sum", name.lower()) for name in ("Errors", "Throttles"))
    slow = tuple(_latency(name, watched.tables[name], operation) for name, operation in OPERATIONS.items())
    alerts = tuple(_ours("AlertsOpened", "Sum", severity.value, Severity=severity.value) for severity in Severity)
    return (
        Graph("API requests", "requests", of_api),
        Graph("API answers take", "ms", took),
        Graph("All functions", "calls", ill),
        Graph("Tables, p99", "ms", slow),
        Graph("Alerts opened", "alerts", alerts, is_stacked=True),
    )


def _sagas(watched: Watched) -> tuple[Graph, ...]:
    def of_every(title: str, unit: str, metric: str, statistic: str) -> Graph:
        series = tuple(_ours(metric, statistic, saga, Saga=saga) for saga in watched.sagas)
        return Graph(title, unit, series, is_stacked=statistic != "Average")

    return (
        of_every("Runs ended", "runs", "RunFailed", "SampleCount"),
        of_every("Of them failed", "%", "RunFailed", "Average"),
        of_every("Runs stuck", "runs", "RunsStuck", "Sum"),
        of_every("Not undone", "runs", "RunsCompensationFailed", "Sum"),
    )


def _tasks(watched: Watched) -> Iterator[Row]:
    for task in watched.tasks:
        yield Heading(f"### {task.name}")
        yield _row_of(watched, task)


def _row_of(watched: Watched, task: AnyTask) -> tuple[Graph, ...]:
    name, queues = task.name, task.queue_names()
    function = f"{watched.prefix}{name}"
    ages = tuple(_of_queue(watched, queue, "ApproximateAgeOfOldestMessage", "Maximum", queue) for queue in queues)
    ended = tuple(_ours(f"JobsTo{state}", "Sum", state.lower(), Task=name) for state in ("Completed", "Failed"))
    waits = tuple(_ours(f"Jobs{word.capitalize()}", "Sum", word, Task=name) for word in ("retried", "parked"))
    times = tuple(_ours("RunTime", statistic, statistic, Task=name) for statistic in ("p50", "p95"))
    return (
        Graph("Queue", "messages", tuple(_depth(watched, queue) for queue in queues), is_stacked=True),
        Graph("Oldest message", "s", ages),
        Graph("Jobs ended", "jobs", ended, is_stacked=True),
        Graph("Errors", "", (_of_function(function, "Errors", "Sum", "crashed"), *waits)),
        Graph("Run time", "ms", (*times, _ours("QueueWait", "p95", "wait p95", Task=name))),
        Graph("Dead letters", "messages", (_dead(watched, task),)),
    )


def _providers(watched: Watched) -> Iterator[Row]:
    for provider in watched.providers:
        yield Heading(f"### Provider {provider}")
        yield _row_of_provider(provider)


def _row_of_provider(provider: str) -> tuple[Graph, ...]:
    def ours(metric: str, statistic: str, label: str) -> Series:
        return _ours(metric, statistic, label, Provider=provider)

    circuit = _ours("CircuitOpened", "Sum", "circuit opened", circuit=provider_circuit(provider))
    tokens = tuple(ours(f"{kind}Tokens", "Sum", kind.lower()) for kind in ("Input", "Output"))
    return (
        Graph("Calls", "calls", (ours("ModelCallFailed", "SampleCount", "calls"),)),
        Graph("Calls failed", "%", (ours("ModelCallFailed", "Average", "failed"),)),
        Graph("Answers take", "ms", tuple(ours("ModelCallTime", which, which) for which in ("p50", "p95"))),
        Graph("Turned away", "", (ours("RateLimited", "Sum", "429"), circuit)),
        Graph("Tokens", "tokens", tokens, is_stacked=True),
        Graph("Answers from the cache", "%", (ours("CacheHit", "Average", "found"),)),
    )


def _money(watched: Watched) -> Iterator[Row]:
    yield Heading("## Money")
    yield (
        _by_provider(watched, "Spent", "CostUsd", "Sum"),
        _by_provider(watched, "Credit left", "CreditsRemaining", "Minimum"),
        _by_provider(watched, "Spent today, as the provider tells", "CreditsUsedToday", "Maximum"),
    )
    yield tuple(_used(watched, window) for window in Window)


def _used(watched: Watched, window: Window) -> Graph:
    scopes = [scope for scope, windows in watched.budgets.items() if window in windows]
    series = tuple(_ours(metric_of(scope), "Maximum", scope, Scope=scope, Window=window.value) for scope in scopes)
    return Graph(f"Used of {window.value} budgets", "%", series)


def _by_provider(watched: Watched, title: str, metric: str, statistic: str) -> Graph:
    series = tuple(_ours(metric, statistic, provider, Provider=provider) for provider in watched.providers)
    return Graph(title, "USD", series, is_stacked=True)


def _by_task(watched: Watched, title: str, metric: str) -> Graph:
    series = tuple(_ours(metric, "Sum", task.name, Task=task.name) for task in watched.tasks)
    return Graph(title, "jobs", series, is_stacked=True)


def _queues(watched: Watched) -> Iterator[str]:
    return (queue for task in watched.tasks for queue in task.queue_names())


def _depth(watched: Watched, queue: str) -> Series:
    return _of_queue(watched, queue, "ApproximateNumberOfMessagesVisible", "Maximum", queue)


def _dead(watched: Watched, task: AnyTask) -> Series:
    dead = dead_queue_of(task.name)
    return _of_queue(watched, dead, "ApproximateNumberOfMessagesVisible", "Maximum", task.name)


def _of_queue(watched: Watched, queue: str, metric: str, statistic: str, label: str) -> Series:
    return Series("AWS/SQS", metric, statistic, label, {"QueueName": f"{watched.prefix}{queue}"})


def _of_function(function: str, metric: str, statistic: str, label: str) -> Series:
    return Series("AWS/Lambda", metric, statistic, label, {"FunctionName": function})


def _latency(name: str, table: str, operation: str) -> Series:
    dimensions = {"TableName": table, "Operation": operation}
    return Series("AWS/DynamoDB", "SuccessfulRequestLatency", "p99", name, dimensions)


def _ours(metric: str, statistic: str, label: str, **dimensions: str) -> Series:
    return Series(NAMESPACE, metric, statistic, label, dimensions)
