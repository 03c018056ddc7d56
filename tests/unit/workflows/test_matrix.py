"""The matrix of what may go wrong is whole, and counts as a receiver would."""

import json

from tests.matrix.cases import STEPS, Case, Harm, every_case
from tests.matrix.effects import Effect, doubled, effects_of
from tests.receivers import Received
from tests.tasks.act.task import Fault


def test_every_step_meets_every_harm_that_it_can_meet():
    cases = list(every_case())
    assert len(cases) == len(set(cases)) == 3 * len(Harm) + (len(Harm) - 2)
    assert all(fault in set(Fault) for case in cases for fault in case.faults.values())


def test_what_was_done_is_undone_in_reverse_unless_the_run_completes():
    for case in every_case():
        expected = case.expected
        done = [step for step in expected.done if step != "check"]
        if expected.end == "completed":
            assert (expected.done, expected.undone) == (STEPS, ())
        elif expected.end == "compensation_failed":
            assert expected.undone == tuple(step for step in reversed(done) if step != case.step)
        else:
            assert expected.undone == tuple(reversed(done))


def test_a_key_counts_once_and_the_same_effect_under_two_keys_is_doubled():
    def request(key: str, step: str) -> Received:
        body = json.dumps({"run_id": "r", "step": step, "direction": "do"}).encode()
        return Received("POST", "/", {"idempotency-key": key}, body)

    effects = effects_of([request("a", "one"), request("a", "one"), request("b", "two"), request("c", "two")])
    assert effects == [Effect("r", "one", "do"), Effect("r", "two", "do"), Effect("r", "two", "do")]
    assert doubled(effects) == 1


def test_the_case_of_a_first_step_that_fails_has_nothing_to_undo():
    assert Case("one", Harm.FAILS_FOR_GOOD).expected.end == "failed"
