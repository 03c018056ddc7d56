"""Transactions that meet on one item, as the benchmark has them meet."""

import json
from types import SimpleNamespace

from bench.hot_budget import Contest, Level, figure

WRITE = {"TransactItems": [{"Put": {"Item": {"id": {"S": "lease#1"}}}}, {"Update": {"Key": {"id": {"S": "total"}}}}]}


def request(document: dict[str, object]) -> SimpleNamespace:
    return SimpleNamespace(url="https://dynamodb", body=json.dumps(document).encode())


def test_a_transaction_that_meets_another_is_cancelled_and_one_alone_is_made() -> None:
    contest = Contest()
    assert contest.answer(request(WRITE)).status_code == 200
    contest._held.add("total")
    answer = contest.answer(request(WRITE))
    assert answer.status_code == 400
    assert json.loads(answer.content)["CancellationReasons"] == [{"Code": "TransactionConflict"}] * 2
    assert (contest.made, contest.cancelled) == (1, 1)


def test_what_a_stage_can_pay_for_is_the_most_at_which_no_batch_came_back() -> None:
    levels = [Level(1, 10.0, 0, 9, 1.0), Level(2, 20.0, 0, 9, 1.5), Level(3, 25.0, 1, 9, 9.0)]
    assert figure(levels).value == 20.0
