"""Which steps of a run today's saga would do otherwise. One sentence a test."""

from backstay.workflows.kept_plans import lost_steps
from backstay.workflows.plan import SagaPlan, StepKind, StepPlan

ONE, TWO = StepPlan(name="one", task="a", undo="b"), StepPlan(name="two", task="a")
ASK = StepPlan(name="ask", kind=StepKind.APPROVAL, event="ask-approved")


def plan(*steps: StepPlan) -> SagaPlan:
    return SagaPlan(name="s", input_model="m:C", input_schema={}, steps=steps, picture="")


def test_what_stands_as_before_is_not_lost_whatever_comes_between() -> None:
    kept = plan(ONE, ASK, TWO)
    names = {"one", "ask", "two"}
    assert lost_steps(kept, kept, names) == ()
    assert lost_steps(kept, plan(StepPlan(name="new", task="a"), ONE, ASK, TWO), names) == ()
    assert lost_steps(kept, plan(StepPlan(name="one", task="a", undo="another"), ASK, TWO), names) == ()
    assert lost_steps(kept, plan(TWO), {"two"}) == (), "what doesn't matter may go"


def test_a_step_is_lost_that_is_gone_or_another_tasks_or_not_undone_any_more() -> None:
    kept = plan(ONE, ASK, TWO)
    assert lost_steps(kept, plan(ASK, TWO), {"one", "two"}) == ("one",)
    assert lost_steps(kept, plan(ONE, ASK, StepPlan(name="two", task="c")), {"one", "two"}) == ("two",)
    assert lost_steps(kept, plan(StepPlan(name="one", task="a"), ASK, TWO), {"one"}) == ("one",)
    assert lost_steps(kept, plan(ONE, StepPlan(name="ask", task="a"), TWO), {"ask"}) == ("ask",)


def test_steps_in_another_order_are_lost() -> None:
    assert lost_steps(plan(ONE, TWO), plan(TWO, ONE), {"one", "two"}) == ("one", "two")
    assert lost_steps(plan(ONE, TWO), plan(TWO, ONE), {"one"}) == ()


def test_plans_that_say_the_same_are_one_version() -> None:
    assert plan(ONE, TWO).version == SagaPlan.model_validate_json(plan(ONE, TWO).model_dump_json()).version
    assert plan(ONE, TWO).version != plan(ONE).version
