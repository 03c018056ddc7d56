"""What is done to calls on their way, as far as it can be told without any."""

import pytest

from tests.chaos.troubled import Troubled, Weather


@pytest.mark.parametrize(
    ("body", "passed_on"),
    [
        (b'{"DelaySeconds": 60, "MessageBody": "{}"}', b'{"DelaySeconds": 3, "MessageBody": "{}"}'),
        (b'{"VisibilityTimeout":15}', b'{"VisibilityTimeout":1}'),
        (b'{"VisibilityTimeout": 0}', b'{"VisibilityTimeout": 0}'),
        (b'{"MessageBody": "{\\"DelaySeconds\\": 60}"}', b'{"MessageBody": "{\\"DelaySeconds\\": 60}"}'),
    ],
)
def test_who_is_in_a_hurry_waits_less_but_never_not_at_all(body: bytes, passed_on: bytes) -> None:
    assert Troubled("", "", speed=20).hurried(body) == passed_on
    assert Troubled("", "").hurried(body) == body


def test_storms_come_every_so_often_and_none_once_it_is_calm() -> None:
    weather = Weather(usual=0, storm=1, storm_s=2, every_s=10)
    assert [weather.trouble(now_s) for now_s in (0, 1.9, 2, 9.9, 10, 12)] == [True, True, False, False, True, False]
    weather.is_calm = True
    assert not weather.trouble(0)
