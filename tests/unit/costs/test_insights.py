"""Where money could be saved."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from backstay.costs.insights import Kind, caching, cheaper_routes, retries, usual_calls
from backstay.costs.quotes import Question
from backstay.costs.spending import Cell, Line, Spending
from backstay.jobs.record import JobRecord
from tests.unit.costs.streams import NOW, a_call, a_job, completed

OWN, CHEAP, DEAR = "openai/large", "openai/small", "openai/huge"
PRICES = {OWN: Decimal("0.010"), CHEAP: Decimal("0.002"), DEAR: Decimal("0.020")}


def quote(questions: Sequence[Question]) -> list[Decimal | None]:
    return [PRICES.get(question.route) for question in questions]


def spent(usd: str, calls: int = 10, task: str = "obey", operation: str = "completion") -> tuple[Line, Spending]:
    cell = Cell(task, "openai", operation, "large" if operation == "completion" else "")
    tokens = Spending(Decimal(usd), calls=calls, input_tokens=100 * calls + 4, output_tokens=10 * calls + 6)
    return Line(NOW.date(), cell), tokens


def test_the_cheapest_route_that_a_task_could_take_is_named_with_what_it_saves():
    (insight,) = cheaper_routes(usual_calls([spent("1")]), {"obey": [DEAR, OWN, CHEAP, "house/unpriced"]}, quote)
    assert (insight.kind, insight.task, insight.saving_usd) == (Kind.CHEAPER_ROUTE, "obey", Decimal("0.8"))
    assert "on openai/small as many tokens would have cost $0.2000" in insight.text


def test_a_route_is_asked_for_the_average_call():
    asked: list[Question] = []
    cheaper_routes(usual_calls([spent("1")]), {"obey": [CHEAP]}, lambda found: (asked.extend(found), quote(found))[1])
    assert [question.route for question in asked] == [OWN, CHEAP]
    assert {(question.input_tokens, question.output_tokens) for question in asked} == {(100, 11)}


def test_no_route_is_named_that_is_dearer_saves_little_or_has_no_price():
    usual = usual_calls([spent("1")])
    for routes in ([DEAR], [OWN], ["house/unpriced"], []):
        assert cheaper_routes(usual, {"obey": routes}, quote) == []
    assert cheaper_routes(usual_calls([spent("0.001")]), {"obey": [CHEAP]}, quote) == []
    assert cheaper_routes(usual, {}, lambda _: [None]) == []


def test_what_costs_nothing_or_has_no_model_is_not_asked_about():
    assert (
        usual_calls([spent("0"), spent("5", operation="sms_us"), (Line(NOW.date(), None, "acme", "x"), Spending())])
        == []
    )


def job(number: int, digest: str, minute: float, usd: str = "0.1", tenant: str = "acme") -> JobRecord:
    at = NOW + timedelta(minutes=minute)
    done = completed(a_job(number, tenant), a_call(usd), at=at)
    return replace(done, input_digest=digest, started_at=at - timedelta(seconds=1))


def test_a_task_that_pays_for_the_same_question_within_ten_minutes_could_cache():
    newest = [job(1, "a", 0), job(2, "a", 5), job(3, "a", 9), job(4, "b", 1), job(5, "a", 12, tenant="umbrella")]
    insight = caching("obey", Decimal(10), reversed(newest))
    assert insight is not None
    assert insight.saving_usd == 4
    assert "of the newest 5 jobs 2 paid for what another had asked" in insight.text


def test_an_answer_is_kept_for_ten_minutes_and_no_longer():
    assert caching("obey", Decimal(10), [job(1, "a", 0), job(2, "a", 11), job(3, "a", 22)]) is None


def test_what_a_cache_answered_already_is_no_loss():
    hit = completed(a_job(2), a_call("0", cached=True), at=NOW)
    hit = replace(hit, input_digest="a", started_at=NOW)
    assert caching("obey", Decimal(10), [job(1, "a", -1), hit]) is None
    assert caching("obey", Decimal(0), []) is None


def test_a_task_that_pays_much_in_runs_that_fail_is_named():
    insight = retries("obey", Spending(Decimal(10), lost_usd=Decimal(4)))
    assert insight is not None
    assert (insight.saving_usd, insight.kind) == (4, Kind.RETRIES)
    assert "$4.00 of $10.00" in insight.text
    assert retries("obey", Spending(Decimal(10), lost_usd=Decimal("0.4"))) is None
