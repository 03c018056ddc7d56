"""The demo's judgement: sample events that fit, ends that are compared, money that is capped."""

import io
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console

from backstay.config import parse
from cli.demo.outcome import Outcome, judge
from cli.demo.report import WIDTH, render
from cli.demo.scenarios import Events, Expectation, Scenario, groups_of, read_events
from cli.demo.spending import CAP_USD, Price, affordable, price_of
from cli.local.providers import RealProvider
from cli.problems import Problem
from cli.views import JobView

REPOSITORY = Path(__file__).parents[3]


def job(state: str = "completed", **changes: object) -> JobView:
    document = {
        "id": "default.a",
        "task": "enhance-story",
        "tenant": "default",
        "state": state,
        "attempts": 1,
        "created_at": "2026-11-25T03:00:00.000Z",
        "queue_wait_ms": 20,
        "result": {"source": "model"},
    }
    return JobView.of(document | changes)


def outcome(expect: dict[str, object], **found: object) -> Outcome:
    scenario = Scenario(name="one", input={}, expect=Expectation.model_validate(expect))
    return Outcome("enhance-story", scenario, **found)  # type: ignore[arg-type]


def test_every_sample_event_can_be_read() -> None:
    assert read_events(REPOSITORY / "events")


def test_what_ends_as_expected_draws_no_complaint() -> None:
    expect = {"state": "completed", "attempts": 1, "source": "model"}
    assert judge(outcome(expect, job=job()), {}) == ()


def test_every_difference_is_told() -> None:
    expect = {"state": "completed", "attempts": 2, "source": "local", "waited_s": 3}
    found = job("failed", error={"class": "task_error", "message": "boom"})
    assert judge(outcome(expect, job=found), {}) == (
        "end is failed, expected completed",
        "attempts is 1, expected 2",
        "source is model, expected local",
        "started after 0.0 s, expected at least 3 s",
    )


def test_a_job_that_never_ended_is_told() -> None:
    assert judge(outcome({"state": "completed"}, job=job("waiting")), {}) == ("end is waiting, expected completed",)
    assert judge(outcome({"dead_letter": True}), {}) == ("end is sent, expected dead letter",)


def test_a_refusal_must_be_the_expected_one() -> None:
    assert judge(outcome({"status": 422}, status=422), {}) == ()
    assert judge(outcome({"status": 422}, status=409), {}) == ("end is refused 409, expected refused 422",)


def test_a_duplicate_must_share_its_job() -> None:
    first = outcome({"state": "completed"}, job=job())
    expect = {"state": "completed", "same_job_as": "first"}
    assert judge(outcome(expect, job=job()), {"first": first}) == ()
    assert judge(outcome(expect, job=job(id="default.b")), {"first": first}) == (
        "job is default.b, expected default.a",
    )


@pytest.mark.parametrize(
    "scenario",
    [
        {"name": "x", "expect": {"state": "completed"}},
        {"name": "x", "body": "no job", "expect": {"dead_letter": True}},
        {"name": "x", "input": {}, "expect": {}},
        {"name": "x", "input": {}, "expect": {"state": "completed", "status": 422}},
        {"name": "x", "input_of": "nobody", "expect": {"state": "completed"}},
        {"name": "x", "input": {}, "after": "nobody", "expect": {"state": "completed"}},
    ],
)
def test_a_sample_event_that_makes_no_sense_is_refused(scenario: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Events.model_validate({"task": "t", "scenarios": [scenario]})


def test_no_more_scenarios_go_to_a_real_provider_than_surely_fit_under_the_cap() -> None:
    price = Price(input=Decimal(1), output=Decimal(5))
    each = price.most_for({})
    names, most = affordable([(str(number), {}) for number in range(100)], price)
    assert len(names) == int(CAP_USD / each)
    assert most <= CAP_USD < most + each


def test_a_large_input_is_counted_by_its_bytes() -> None:
    price = Price(input=Decimal(1), output=Decimal(0))
    assert price.most_for({"text": "é" * 1_000_000}) > CAP_USD


def test_prices_come_from_the_table_or_from_backstay_toml() -> None:
    haiku = RealProvider("anthropic", "k", "claude-haiku-5-5", None)
    assert price_of(haiku, parse("")).output > 0
    stated = parse("""
        [providers.compatible]
        kind = "compatible"
        base_url = "https://models.example/v1"
        [prices."compatible/small"]
        input = 0.5
        output = 1.5
    """)
    mine = RealProvider("compatible", "k", "small", "https://models.example/v1")
    assert price_of(mine, stated) == Price(Decimal("0.5"), Decimal("1.5"))


def test_a_model_that_nobody_has_priced_is_not_called() -> None:
    unknown = RealProvider("compatible", "k", "nobody-knows", "https://models.example/v1")
    with pytest.raises(Problem, match="nobody knows what compatible/nobody-knows costs"):
        price_of(unknown, parse(""))


def test_a_model_on_this_machine_costs_nothing() -> None:
    mine = RealProvider("compatible", "k", "llama", "http://127.0.0.1:11434/v1")
    assert price_of(mine, parse("")) == Price(Decimal(0), Decimal(0))


def called(**changes: object) -> dict[str, object]:
    call = {"provider": "openai", "cached": False, "replayed": False, "failed_over_from": []} | changes
    return {"receipt": {"cost_usd": "0.00002" if not call["cached"] else "0", "calls": [call]}}


FAILED = [{"route": "anthropic/claude-haiku-5-5", "error_class": "overloaded"}]


def test_who_answered_a_failover_and_a_cached_answer_are_held_to_what_is_expected() -> None:
    stood_in = job(**called(failed_over_from=FAILED))
    expect = {"state": "completed", "answered_by": "openai", "failed_over_from": "anthropic", "cached": False}
    assert judge(outcome(expect, job=stood_in), {}) == ()
    assert judge(outcome(expect, job=job(**called(provider="anthropic", cached=True))), {}) == (
        "provider is anthropic, expected openai",
        "failover is None, expected anthropic",
        "cached is True, expected False",
    )
    assert judge(outcome({"state": "completed", "cached": True}, job=job()), {}) == ("cached is None, expected True",)


def test_the_table_tells_who_answered_whom_it_stood_in_for_and_what_was_free_within_100_columns() -> None:
    long = "an order that has a name much longer than any other order that was ever placed"
    scenarios = {
        "failover": job(**called(failed_over_from=FAILED)),
        "again": job(**called(cached=True)),
        long: job(),
    }
    outcomes = [
        Outcome("enhance-story", Scenario(name=name, input={}, expect=Expectation(state="completed")), job=found)
        for name, found in scenarios.items()
    ]
    lines = printed(outcomes)
    assert any("failover" in line and "1 openai" in line and "$0.00002" in line for line in lines)
    assert any("failover from anthropic" in line for line in lines)
    assert any("again" in line and "cached" in line and line.rstrip().endswith("$0") for line in lines)
    assert max(len(line.rstrip()) for line in lines) <= WIDTH


def test_a_conversation_can_be_read_below_its_table() -> None:
    def turn(text: str, reply: str) -> Outcome:
        said = {"session_id": "s", "text": text}
        scenario = Scenario(name=text, input=said, expect=Expectation(state="completed"))
        return Outcome("reply-to-chat", scenario, job=job(result={"reply": reply}))

    lines = printed([turn("On Sundays?", "No [sorry].")])
    assert not any("customer:" in line for line in lines)
    lines = printed([turn("On Sundays?", "No [sorry]."), turn("On holidays?", "Neither.")])
    said = [line.split() for line in lines if "customer:" in line or "bot:" in line]
    assert [" ".join(words) for words in said] == [
        "customer: On Sundays?",
        "bot: No [sorry].",
        "customer: On holidays?",
        "bot: Neither.",
    ]


def printed(outcomes: list[Outcome]) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(render(outcomes), width=WIDTH)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_what_can_run_at_once_does_and_what_must_be_alone_follows_in_order() -> None:
    def scenario(name: str, **more: object) -> dict[str, object]:
        return {"name": name, "input": {}, "expect": {"state": "completed"}} | more

    listed = [
        scenario("a"),
        scenario("b", after="a"),
        scenario("c", model=[{"type": "fail"}]),
        scenario("d"),
    ]
    events = Events.model_validate({"task": "t", "scenarios": listed})
    assert [[one.name for _, one in group] for group in groups_of(events.entries)] == [["a", "d"], ["b"], ["c"]]
