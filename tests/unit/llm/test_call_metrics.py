"""What calls of providers measure: a line a provider."""

import json
from decimal import Decimal
from typing import Any

import pytest

from backstay.errors import ErrorClass
from backstay.llm.call_metrics import CallMetrics
from backstay.receipt import Call


def lines(metrics: CallMetrics, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    metrics.emit()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_answers_and_failures_of_a_provider_are_one_line(capsys):
    metrics = CallMetrics()
    metrics.answered(Call("openai", "gpt", 100, 20, 1500, None))
    metrics.failed("openai", "gpt-mini", ErrorClass.RATE_LIMITED)
    (line,) = lines(metrics, capsys)
    assert line["Provider"] == "openai"
    assert line["ModelCallFailed"] == [0, 100]
    assert line["ModelCallTime"] == [1500]
    assert line["RateLimited"] == [1]
    assert (line["models"], line["failures"]) == ("gpt gpt-mini", "rate_limited")
    assert lines(metrics, capsys) == []


@pytest.mark.parametrize("error_class", [ErrorClass.CONTEXT_LENGTH, ErrorClass.MODERATION, ErrorClass.INVALID_OUTPUT])
def test_what_is_the_question_s_fault_is_no_failure_of_the_provider(error_class, capsys):
    metrics = CallMetrics()
    metrics.failed("openai", "gpt", error_class)
    (line,) = lines(metrics, capsys)
    assert line["ModelCallFailed"] == [0]


def test_the_provider_is_the_only_dimension_whichever_function_asked_it(capsys, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "enhance-story")
    metrics = CallMetrics()
    metrics.failed("openai", "gpt", ErrorClass.RATE_LIMITED)
    (line,) = lines(metrics, capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Provider"]]


def test_tokens_and_cost_are_a_total_a_line(capsys):
    metrics = CallMetrics()
    for usd in ("0.25", "0.5"):
        metrics.answered(Call("openai", "gpt", 100, 20, 1500, Decimal(usd)))
    (line,) = lines(metrics, capsys)
    assert (line["InputTokens"], line["OutputTokens"], line["CostUsd"]) == ([200], [40], [0.75])
    assert len(line["ModelCallTime"]) == 2


def test_each_provider_has_its_own_line(capsys):
    metrics = CallMetrics()
    metrics.looked_up("openai", found=True)
    metrics.looked_up("anthropic", found=False)
    assert {line["Provider"]: line["CacheHit"] for line in lines(metrics, capsys)} == {
        "openai": [100],
        "anthropic": [0],
    }
