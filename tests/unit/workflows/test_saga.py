"""What a declaration says, and what it refuses to say."""

import pytest
from pydantic import BaseModel

from backstay.workflows.saga import (
    PRE_APPROVED,
    Approval,
    Saga,
    SagaDeclarationError,
    Step,
    Undo,
    WaitForSignal,
    fact,
    ref,
)


class Order(BaseModel):
    text: str


def a_saga(*steps, name="a-saga") -> Saga:
    return Saga(name, Order, steps)


def test_the_facts_of_a_step_are_what_conditions_look_at():
    saga = a_saga(
        Step("parse", "parse-command", {}),
        Approval("approval", when=(fact("parse.flow.costly") | fact("input.text").equals("x")) & ~PRE_APPROVED),
        Step("make", "make-it", {}, when=fact("parse.score").at_least(0.8) & fact("parse.flow.costly")),
    )
    assert saga.facts_of("parse") == ("flow.costly", "score")
    assert saga.facts_of("input") == ("text",)
    assert saga.facts_of("make") == ()


def test_a_mapping_names_where_the_steps_that_it_refers_to_are_found():
    saga = a_saga(
        Step("parse", "parse-command", {}),
        WaitForSignal("paid", "payment-received"),
        Step(
            "make",
            "make-it",
            {"a": ref("parse.a"), "b": [ref("paid.amount")], "c": ref("input.text"), "d": ref("run.id")},
        ),
    )
    assert saga.sources_of(saga.steps[2].mapping) == {"parse": "parse-command", "paid": "wait#payment-received"}


@pytest.mark.parametrize(
    ("steps", "name", "says"),
    [
        ((), "a-saga", "1 to 50 steps, and not 0"),
        (tuple(Step(f"s{number}", "t", {}) for number in range(51)), "a-saga", "and not 51"),
        ((Step("a", "t", {}),), "A saga", "kebab case"),
        ((Step("make-it", "t", {}),), "a-saga", "snake case"),
        ((Step("input", "t", {}),), "a-saga", "none of"),
        ((Step("a", "t", {}), Step("a", "t", {})), "a-saga", "two steps are named 'a'"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_change(steps, name, says):
    with pytest.raises(SagaDeclarationError, match=says):
        a_saga(*steps, name=name)


def test_the_tasks_of_a_saga_are_those_that_do_and_those_that_undo():
    saga = a_saga(Step("a", "do-a", {}, undo=Undo("undo-a", {})), Approval("ok"), Step("b", "do-b", {}))
    assert list(saga.tasks()) == ["do-a", "undo-a", "do-b"]
