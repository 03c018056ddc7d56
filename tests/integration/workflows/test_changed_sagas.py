"""Runs whose saga has changed since they were started. One sentence a test."""

from collections.abc import Sequence

import pytest

from backstay.jobs.record import State
from backstay.workflows.catalog import Sagas, UnknownSagaError
from backstay.workflows.kept_plans import SagaChangedError
from backstay.workflows.plan import StepPlan
from backstay.workflows.run import Mode, RunState
from tests.integration.workflows.conftest import PLAN, House

WRITE, CONSENT, SEND, HEAR = PLAN.steps


@pytest.fixture
def deploy(machine, step_functions):
    """Deploys the saga with other steps, or none; answers the house as it is then."""

    def with_steps(steps: Sequence[StepPlan]) -> House:
        plans = (PLAN.model_copy(update={"steps": tuple(steps), "picture": "another"}),) if steps else ()
        return House(machine, step_functions, Sagas(plans))

    return with_steps


def test_a_run_is_shown_with_the_steps_that_it_was_started_with(house, deploy):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    standing = house.read(record.id)
    assert not standing.saga_has_changed
    for later in (deploy([StepPlan(name="draft", task="obey")]), deploy([])):
        shown = later.read(record.id)
        assert [(step.plan, step.state) for step in shown.steps] == [(step.plan, step.state) for step in standing.steps]
        assert shown.plan is not None
        assert (shown.plan.picture, shown.saga_has_changed) == (PLAN.picture, True)


def test_a_run_is_not_called_off_by_a_saga_that_would_leave_undone_what_it_did(house, deploy):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    without = deploy([SEND])
    with pytest.raises(SagaChangedError, match="it needs 'write' as before"):
        without.control.abort(record.id)
    assert (house.run(record.id).mode, house.execution(record.id).status) == (Mode.DO, "RUNNING")
    with pytest.raises(UnknownSagaError):
        deploy([]).control.abort(record.id)
    grown = deploy([WRITE, StepPlan(name="proofread", task="obey"), SEND])
    assert grown.control.abort(record.id).mode is Mode.ABORT
    assert set(grown.execution(record.id, 2).input["steps"]) == {"write"}


def test_a_run_stopped_from_outside_waits_for_a_saga_that_can_undo_what_it_did(house, deploy):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    without = deploy([SEND])
    without.machine.clock.advance(1)
    with pytest.raises(SagaChangedError):
        without.tell(record.id, "ABORTED")
    house.machine.clock.advance(180)
    assert "SagaChangedError" in without.watcher.look(lambda: False).troubles[record.id]
    assert house.watcher.look(lambda: False).troubles == {}
    assert house.execution(record.id, 2).input["mode"] == "abort"


def test_a_failed_run_goes_on_by_a_saga_whose_failed_step_was_mended(house, deploy):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    house.do(record.id, "send", {"reject": True})
    house.end(record.id, RunState.FAILED)
    renamed = deploy([StepPlan(name="draft", task="obey", undo="obey"), CONSENT, SEND])
    with pytest.raises(SagaChangedError, match="'write'"):
        renamed.control.redrive(record.id, "key-1")
    assert house.run(record.id).state is RunState.FAILED
    mended = deploy([WRITE, StepPlan(name="send", task="post")])
    assert mended.control.redrive(record.id, "key-1").state is RunState.RUNNING
    assert set(mended.execution(record.id, 2).input["steps"]) == {"write"}


def test_what_could_not_be_undone_is_undone_by_the_undo_of_today(house, deploy):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    house.do(record.id, "send", {"text": "y"})
    house.do(record.id, "send", {}, "undo")
    failed = house.do(record.id, "write", {"reject": True}, "undo")
    house.end(record.id, RunState.COMPENSATION_FAILED)
    with pytest.raises(SagaChangedError, match="'write'"):
        deploy([StepPlan(name="write", task="obey"), SEND]).control.redrive(record.id, "key-1")
    mended = deploy([WRITE.model_copy(update={"undo": "post"}), SEND])
    mended.control.redrive(record.id, "key-1")
    assert list(mended.execution(record.id, 2).input["steps"]) == ["write"]
    assert house.machine.record(failed).state is State.FAILED, "another task's job undoes it now"
