"""Whether the house is well."""

from datetime import UTC, datetime

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState

from api.house import HouseState, RecentHouse
from api.verdict import MOST_REASONS, Status, judge
from backstay.alerts.alert import Alert
from backstay.alerts.occurrence import Severity
from backstay.jobs.stats import Counts, Stats, TaskStats
from backstay.resilience.breaker import BreakerStats
from backstay.resilience.circuit import BreakerSettings
from backstay.workflows.run_statistics import numbers_of

AT = datetime(2026, 11, 25, tzinfo=UTC)


def breaker(name: str, state: CircuitState = CircuitState.CLOSED, held: str = "") -> BreakerStats:
    return BreakerStats(name, state, 0, 0, BreakerSettings(), None, None, 0, held, ())


def of_task(paused: bool = False, **counts: float | int | None) -> HouseState:
    stats = TaskStats("obey", Counts(**counts), paused)  # type: ignore[arg-type]
    return HouseState(stats=Stats((stats,), stats.counts, ()))


def alert(severity: Severity, rule: str = "worker.dead_letter") -> Alert:
    return Alert("a", "c", rule, "obey", severity, "Look", AT, AT)


def test_where_nothing_is_wrong_it_is_healthy():
    verdict = judge(HouseState(breakers=(breaker("provider:house"),)))
    assert (verdict.status, verdict.reasons) == (Status.HEALTHY, ())


def test_a_part_that_can_not_be_read_makes_it_unhealthy():
    verdict = judge(HouseState(unread=("undone_in_part",)))
    assert verdict.status is Status.UNHEALTHY
    assert verdict.reasons[0].about == "undone in part"


@pytest.mark.parametrize(
    ("house", "text"),
    [
        (of_task(paused=True), "is paused"),
        (of_task(oldest_waiting_s=601.0), "a job has waited for 10 min"),
        (of_task(dead_letters=3), "has 3 dead letters"),
        (of_task(success_rate=0.89, ended_last_hour=100), "11% of its jobs failed in the last hour"),
        (HouseState(sagas={"launch": numbers_of({"started": 1, "stuck": 1})}), "1 of its runs are stuck"),
        (HouseState(undone_in_part=100), "at least 100 runs need a person: not all could be undone"),
        (HouseState(alerts=(alert(Severity.CRITICAL),)), "is critical"),
        (HouseState(alerts=(alert(Severity.EMERGENCY),) * 2), "2 critical alerts are not resolved"),
    ],
)
def test_what_somebody_should_look_at_degrades_it(house: HouseState, text: str):
    verdict = judge(house)
    assert (verdict.status, [reason.text for reason in verdict.reasons]) == (Status.DEGRADED, [text])


@pytest.mark.parametrize(
    "house",
    [
        of_task(success_rate=0.0, ended_last_hour=9),
        of_task(success_rate=0.9, ended_last_hour=10),
        of_task(oldest_waiting_s=600.0),
        HouseState(alerts=(alert(Severity.WARNING),)),
    ],
)
def test_what_says_little_or_is_usual_leaves_it_healthy(house: HouseState):
    assert judge(house).status is Status.HEALTHY


def test_a_job_that_waits_for_a_paused_task_is_no_reason_of_its_own():
    assert [one.text for one in judge(of_task(paused=True, oldest_waiting_s=9_999.0)).reasons] == ["is paused"]


def test_a_task_most_of_whose_jobs_fail_makes_it_unhealthy():
    verdict = judge(of_task(success_rate=0.4, ended_last_hour=10))
    assert (verdict.status, verdict.reasons[0].text) == (Status.UNHEALTHY, "60% of its jobs failed in the last hour")


def test_one_provider_that_is_out_degrades_it_and_all_of_them_end_the_work():
    out, well = breaker("provider:a", CircuitState.OPEN), breaker("provider:b")
    paused = breaker("provider:b", CircuitState.OPEN, "paused by hand")
    assert judge(HouseState(breakers=(out, well))).status is Status.DEGRADED
    verdict = judge(HouseState(breakers=(out, paused)))
    assert [(reason.status, reason.about, reason.text) for reason in verdict.reasons] == [
        (Status.UNHEALTHY, "providers", "no provider of models can be called"),
        (Status.DEGRADED, "a", "its breaker is open"),
        (Status.DEGRADED, "b", "is not called: paused by hand"),
    ]


def test_a_host_that_is_out_is_no_provider():
    assert judge(HouseState(breakers=(breaker("host:api.example.com", CircuitState.OPEN),))).status is Status.DEGRADED


def test_the_worst_reasons_come_first_and_their_number_is_bounded():
    tasks = tuple(TaskStats(f"task-{n}", Counts(), True) for n in range(50))
    verdict = judge(HouseState(stats=Stats(tasks, Counts(), ()), unread=("alerts",)))
    assert len(verdict.reasons) == MOST_REASONS
    assert verdict.reasons[0].about == "alerts"


def test_a_picture_of_the_house_is_taken_anew_when_it_is_old():
    times, taken = iter((0.0, 10.0, 10.1)), iter((HouseState(undone_in_part=1), HouseState(undone_in_part=2)))
    recent = RecentHouse(lambda: next(times), lambda: next(taken))
    assert [recent.state().undone_in_part for _ in range(3)] == [1, 1, 2]
