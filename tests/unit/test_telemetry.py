"""Logs and metrics."""

import json
import logging

import pytest

from backstay.running import Job
from backstay.telemetry import LOG_LEVEL, Metric, MetricError, emit, logger


@pytest.mark.parametrize(("level", "written"), [("INFO", ["fine", "odd"]), ("WARNING", ["odd"]), ("ERROR", [])])
def test_log_level_says_what_is_written_and_metrics_are_written_at_any(monkeypatch, capsys, level, written):
    monkeypatch.setenv(LOG_LEVEL, level)
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "INFO")  # as Lambda sets it, for metrics' sake
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"made-for-{level}")
    logger.cache_clear()
    log = logger()
    log.info("fine")
    log.warning("odd")
    emit([Metric("Things", 1)], {"Task": "obey"})
    logger.cache_clear()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines if "message" in line] == written
    assert [line["Things"] for line in lines if "Things" in line] == [[1.0]]
    logging.getLogger(f"made-for-{level}").handlers.clear()


@pytest.mark.parametrize(
    ("name", "value", "unit", "said"),
    [
        ("", 1, "Count", "starts with a letter"),
        ("words per story", 1, "Count", "starts with a letter"),
        ("x" * 101, 1, "Count", "starts with a letter"),
        ("RunTime", 1, "Count", "measured by Backstay itself"),
        ("JobsLost", 1, "Count", "measured by Backstay itself"),
        ("Words", float("nan"), "Count", "finite"),
        ("Words", float("inf"), "Count", "finite"),
        ("Words", 1, "Words", "Milliseconds"),
    ],
)
def test_a_metric_that_cloudwatch_would_not_take_is_refused_where_it_is_made(name, value, unit, said):
    with pytest.raises(MetricError, match=said):
        Job().metric(name, value, unit)


def test_a_metric_of_a_team_reaches_whoever_writes_it():
    taken: list[Metric] = []
    job = Job(record_metric=taken.append)
    job.metric("Words", 812)
    job.metric("ReadingTime", 3.5, "Seconds")
    assert taken == [Metric("Words", 812, "Count"), Metric("ReadingTime", 3.5, "Seconds")]
