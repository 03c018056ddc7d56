"""What one run does to another: once for each step that asks, and wholly or not at all."""

import pytest

from backstay.errors import Rejected
from backstay.running import Job
from backstay.workflows.coordination import CoordinationError, Coordinator, Source
from backstay.workflows.resources import Resource, ResourceTable, taking
from backstay.workflows.run import RunState
from backstay.workflows.shared_state import SHARED_PART, shared_in
from coordinate_workflow.task import Coordination, coordinate, task


@pytest.fixture
def coordinator(house) -> Coordinator:
    return Coordinator(house.env.workflows_table, house.sagas, house.machine.clock)


@pytest.fixture
def pair(house) -> tuple[str, str]:
    """Two runs of one tenant."""
    return house.start(key="a").id, house.start(key="b").id


def give(house, run_id: str, *names: str) -> None:
    from backstay import aws

    writes = taking(house.env.workflows_table, run_id, [Resource(type="template", name=name) for name in names])
    aws.dynamodb().transact_write_items(TransactItems=writes)


def owned(house, run_id: str) -> set[str]:
    return {resource.name for resource in ResourceTable(house.env.workflows_table).owned(run_id)}


def test_state_is_merged_into_the_targets_and_has_a_new_version_each_time(house, coordinator, pair):
    source, target = pair
    first = coordinator.sync_state(Source(source, "one"), target, {"a": {"x": 1}, "b": 1})
    second = coordinator.sync_state(Source(source, "two"), target, {"a": {"y": 2}, "b": 2})
    assert first == {"synced": ["a", "b"], "version": 1}
    assert second == {"synced": ["a", "b"], "version": 2}
    shared = shared_in(house.runs.get_part(target, SHARED_PART))
    assert shared.properties == {"a": {"x": 1, "y": 2}, "b": 2}
    with pytest.raises(CoordinationError, match="has version 2, not 1"):
        coordinator.sync_state(Source(source, "three"), target, {"c": 1}, expected=1)
    assert house.read(target).shared.version == 2


def test_a_step_that_asks_twice_is_answered_as_before(house, coordinator, pair):
    source, target = pair
    asked = Source(source, "one")
    assert coordinator.sync_state(asked, target, {"n": 1}) == coordinator.sync_state(asked, target, {"n": 1})
    assert shared_in(house.runs.get_part(target, SHARED_PART)).version == 1
    with pytest.raises(CoordinationError, match="has coordinated otherwise before"):
        coordinator.sync_state(asked, target, {"n": 2})


def test_an_event_lets_a_run_go_on_that_waits_for_it(house, coordinator, pair):
    source, target = pair
    token = house.wait(target, "hear")
    sent = coordinator.send_event(Source(source, "tell"), target, "received", {"n": 1})
    assert sent == {"event": "received", "delivered": True}
    assert [heard for heard, _ in house.step_functions.heard] == [token]
    (step,) = [step for step in house.read(target).steps if step.plan.name == "hear"]
    assert (str(step.state), step.answer.payload, step.answer.by) == ("received", {"n": 1}, source)


def test_a_run_that_waits_later_finds_the_event_and_hears_of_it_once(house, coordinator, pair):
    source, target = pair
    asked = Source(source, "tell")
    assert coordinator.send_event(asked, target, "received", {"n": 1})["delivered"] is False
    token = house.wait(target, "hear")
    coordinator.send_event(asked, target, "received", {"n": 1})
    coordinator.send_event(Source(source, "again"), target, "received", {"n": 2})
    assert [heard for heard, _ in house.step_functions.heard] == [token]
    kept = house.runs.get_parts(target, "event#", "event#~")
    assert sorted(kept) == [f"event#received#{source}#again", f"event#received#{source}#tell"]


def test_a_run_gives_no_consent(house, coordinator, pair):
    source, target = pair
    house.wait(target)
    with pytest.raises(CoordinationError, match="a person gives it"):
        coordinator.send_event(Source(source, "tell"), target, "consent-approved", {})
    assert house.run(target).state is RunState.WAITING_FOR_APPROVAL


def test_a_completion_signal_is_an_event_with_the_runs_data(house, coordinator, pair):
    source, target = pair
    coordinator.signal_completion(Source(source, "done"), target, {"sent": 3})
    (kept,) = house.runs.get_parts(target, "wait#", "wait#~").values()
    from backstay.workflows.waits import answer_in

    answer = answer_in(kept)
    assert answer is not None
    assert answer.payload == {"run_id": source, "saga": "publish", "data": {"sent": 3}}


def test_resources_change_hands_wholly_or_not_at_all(house, coordinator, pair):
    source, target = pair
    give(house, source, "t1", "t2")
    give(house, target, "t3")
    with pytest.raises(CoordinationError, match="doesn't own nothing"):
        coordinator.hand_over(Source(source, "first"), target, ["t1", "nothing"])
    assert owned(house, source) == {"t1", "t2"}
    give(house, target, "t2")
    with pytest.raises(CoordinationError, match="owns a resource 't2' already"):
        coordinator.hand_over(Source(source, "second"), target, ["t1", "t2"])
    assert owned(house, source) == {"t1", "t2"}
    assert coordinator.hand_over(Source(source, "third"), target, ["t1"]) == {"resources": ["t1"]}
    assert coordinator.hand_over(Source(source, "third"), target, ["t1"]) == {"resources": ["t1"]}
    assert (owned(house, source), owned(house, target)) == ({"t2"}, {"t1", "t2", "t3"})


def test_what_is_unknown_ended_or_anothers_is_said_to_be_so(house, coordinator, pair):
    source, target = pair
    other = house.start("umbrella").id
    asks = Source(source, "ask")
    for unknown in (f"acme.{'a' * 24}", other, "nonsense"):
        with pytest.raises(CoordinationError, match="there is no run"):
            coordinator.send_event(asks, unknown, "received", {})
    with pytest.raises(CoordinationError, match="can't coordinate with itself"):
        coordinator.send_event(asks, source, "received", {})
    house.end(target, RunState.COMPLETED)
    for act in (
        lambda: coordinator.send_event(asks, target, "received", {}),
        lambda: coordinator.sync_state(asks, target, {"a": 1}),
    ):
        with pytest.raises(CoordinationError, match="has ended: it is completed"):
            act()
    with pytest.raises(CoordinationError, match="there is no run"):
        coordinator.send_event(Source(f"acme.{'b' * 24}", "ask"), source, "received", {})


def test_the_task_acts_for_the_run_whose_step_it_is(house, coordinator, pair, monkeypatch):
    import coordinate_workflow.task as module

    source, target = pair
    monkeypatch.setattr(module, "_coordinator", lambda: coordinator)
    wanted = Coordination(type="state_sync", target_run_id=target, state={"a": 1})
    done = coordinate(wanted, Job(tenant="acme", run_id=source, step="share"))
    assert done.model_dump() == {
        "coordinated": True,
        "type": "state_sync",
        "source_run_id": source,
        "target_run_id": target,
        "result": {"synced": ["a"], "version": 1},
    }
    with pytest.raises(Rejected, match="source_run_id"):
        coordinate(wanted, Job(tenant="acme"))
    with pytest.raises(Rejected, match="there is no run"):
        coordinate(wanted.model_copy(update={"source_run_id": source}), Job(tenant="umbrella"))


@pytest.mark.parametrize(
    ("work", "says"),
    [
        ({"type": "state_sync"}, "needs 'state'"),
        ({"type": "event_propagation", "event": "e", "resources": ["r"]}, "takes no 'resources'"),
        ({"type": "resource_handoff", "resources": []}, "at least 1"),
        ({"type": "wave"}, "Input should be"),
    ],
)
def test_what_a_type_needs_is_told(work, says):
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match=says):
        task.read_input({"target_run_id": "acme.x", **work})
