"""A sample of what may go wrong with the steps of a saga; `make chaos` does all of it."""

import pytest

from tests.matrix.cases import SAMPLE
from tests.matrix.effects import doubled, effects_of
from tests.matrix.trial import try_all
from tests.receivers import receiver

pytestmark = pytest.mark.e2e


def test_whatever_befalls_a_step_its_run_ends_right_and_nothing_happens_twice(stack) -> None:
    with receiver() as outside:
        verdicts = try_all(stack, outside, SAMPLE, seconds=300)
        complaints = {verdict.case.name: verdict.complaints for verdict in verdicts if verdict.complaints}
        assert not complaints
        assert doubled(effects_of(outside.received)) == 0
