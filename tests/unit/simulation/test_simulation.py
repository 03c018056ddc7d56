"""The whole job path on simulated time, whatever befalls it. `docs/proof.md` tells what that is."""

from tests.simulation.elsewhere import crash_everywhere, simulate, trace

SEEDS, QUESTIONS = 300, 4


def test_whatever_befalls_jobs_none_is_lost_none_is_doubled_and_no_budget_is_passed():
    simulated = simulate(SEEDS)
    assert simulated.seeds == SEEDS
    assert simulated.harmed > SEEDS
    assert not simulated.complaints, simulated.told


def test_a_seed_comes_to_the_same_every_time():
    first, again = trace(42), trace(42)
    assert "dies" in first
    assert first == again


def test_whoever_dies_at_any_call_pays_once_but_between_a_question_and_its_stored_answer():
    crashes = crash_everywhere()
    assert crashes.points > 80
    assert crashes.inside >= 2 * QUESTIONS, "right after each is sent, and right before its answer is stored"
    assert not crashes.wrong, "\n".join(crashes.wrong)
