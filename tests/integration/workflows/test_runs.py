"""Runs of a saga: started, told of, approved, rejected, aborted, redriven. One sentence a test."""

import json

import pytest
from botocore.exceptions import ClientError

from backstay import aws
from backstay.alerts.announcing import UnannouncedError
from backstay.jobs.endings import Retention
from backstay.jobs.record import State
from backstay.jobs.submit import InvalidInputError
from backstay.running import Job
from backstay.workflows.announcements import Announcements
from backstay.workflows.catalog import Sagas, UnknownSagaError
from backstay.workflows.plan import StepPlan
from backstay.workflows.run import IllegalRunMoveError, Mode, RunState, Stuck
from backstay.workflows.run_control import NotWaitingError, UnknownRunError
from backstay.workflows.run_queries import RunFilter, RunQueries
from backstay.workflows.run_reading import Left, Waiting
from backstay.workflows.starting import RunKeyConflictError, Start
from backstay.workflows.waits import AlreadyAnsweredError, Answer, Verdict, Waits
from settle_step.settling import Settler
from settle_step.task import StepToSettle
from tests.integration.workflows.conftest import PLAN, House

_NOT_UNDONE = StepPlan(name="send", task="obey")


def test_a_run_begins_with_ids_and_facts_and_no_payload(house):
    record = house.start(text="hello", answer_bytes=5)
    execution = house.execution(record.id)
    assert execution.input == {
        "run_id": record.id,
        "tenant": "acme",
        "execution": 1,
        "mode": "do",
        "pre_approved": False,
        "facts": {"text": "hello"},
        "steps": {},
    }
    assert (record.state, record.confirmed) == (RunState.RUNNING, 1)


def test_starting_again_is_the_same_run_and_another_input_under_its_key_is_refused(house):
    wanted = Start("publish", "acme", input={"text": "a"}, key="k")
    first, second = house.starter.start(wanted), house.starter.start(wanted)
    assert (first.created, second.created) == (True, False)
    assert first.record.id == second.record.id
    with pytest.raises(RunKeyConflictError, match="use another key"):
        house.starter.start(Start("publish", "acme", input={"text": "b"}, key="k"))
    with pytest.raises(RunKeyConflictError):
        house.starter.start(Start("publish", "acme", input={"text": "a"}, key="k", pre_approved=True))
    assert house.starter.start(Start("publish", "other", input={"text": "b"}, key="k")).created
    assert house.runs.numbers("publish").started == 2
    assert house.runs.numbers("publish", "acme").started == 1


def test_an_unknown_saga_and_a_wrong_input_are_told_before_anything_is_written(house):
    with pytest.raises(UnknownSagaError, match="the sagas are publish"):
        house.starter.start(Start("nothing", "acme", input={}))
    with pytest.raises(InvalidInputError, match=r"input\.fail_attempts"):
        house.starter.start(Start("publish", "acme", input={"fail_attempts": "many"}))
    assert house.runs.numbers("publish").started == 0


def test_a_start_that_died_before_it_began_the_execution_is_made_good_by_the_next(house):
    wanted = Start("publish", "acme", input={}, key="k")
    house.step_functions.broken = 1
    with pytest.raises(ClientError):
        house.starter.start(wanted)
    assert house.step_functions.executions == {}
    assert not house.starter.start(wanted).created
    assert len(house.step_functions.executions) == 1


def test_an_end_that_is_told_twice_counts_once_and_word_of_the_beginning_may_come_after(house):
    record = house.starter.start(Start("publish", "acme", input={}, key="k")).record
    execution = house.execution(record.id)
    began = house.status_event(execution)
    execution.status, execution.stopped_at = "SUCCEEDED", house.machine.clock()
    ended = house.status_event(execution)
    for event in (ended, began, ended, began, ended):
        house.events.take(event)
    run = house.run(record.id)
    assert (run.state, run.confirmed) == (RunState.COMPLETED, 1)
    numbers = house.runs.numbers("publish")
    assert (numbers.started, numbers.completed, numbers.failed, numbers.running) == (1, 1, 0, 0)
    assert run.expires_at is not None
    assert house.runs.get_part(record.id, "input")["ttl"] == int(run.expires_at.timestamp())


def test_what_is_no_run_of_ours_is_left_alone(house):
    assert house.events.take({"name": "by-hand", "status": "SUCCEEDED"}) is None
    assert house.events.take({"name": f"acme.{'a' * 24}-1", "status": "SUCCEEDED", "stopDate": 1}) is None


def test_a_run_is_read_with_every_step_and_what_it_cost(house):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    house.wait(record.id)
    standing = house.read(record.id)
    assert [(step.plan.name, str(step.state)) for step in standing.steps] == [
        ("write", "completed"), ("consent", "waiting"), ("send", "pending"), ("hear", "pending"),
    ]  # fmt: skip
    assert standing.state is RunState.WAITING_FOR_APPROVAL


def test_an_approval_lets_the_run_go_on_once(house):
    record = house.start()
    token = house.wait(record.id)
    assert house.run(record.id).state is RunState.WAITING_FOR_APPROVAL
    approved = house.control.approve(record.id, "key-1", "fine")
    assert approved.state is RunState.RUNNING
    assert house.step_functions.heard == [(token, json.dumps({"event": "consent-approved", "facts": {}}))]
    again = house.control.approve(record.id, "key-1")
    assert again.state is RunState.RUNNING
    assert len(house.step_functions.heard) == 1
    with pytest.raises(AlreadyAnsweredError, match="was approved before, by key-1"):
        house.control.reject(record.id, "key-2")
    (step,) = [step for step in house.read(record.id).steps if step.plan.name == "consent"]
    assert (step.state, step.answer.by, step.answer.why) == (Waiting.APPROVED, "key-1", "fine")


def test_a_rejection_fails_the_step_and_names_who_and_why(house):
    record = house.start()
    token = house.wait(record.id)
    house.control.reject(record.id, "key-1", "too dear")
    assert house.step_functions.heard == [(token, ("rejected", "by key-1: too dear"))]


def test_nobody_approves_what_does_not_wait(house):
    record = house.start()
    with pytest.raises(NotWaitingError, match="is running"):
        house.control.approve(record.id, "key-1")
    with pytest.raises(UnknownRunError):
        house.control.approve(f"acme.{'a' * 24}", "key-1")
    house.wait(record.id, "hear")
    with pytest.raises(NotWaitingError, match="waiting_for_signal"):
        house.control.approve(record.id, "key-1")
    house.end(record.id, RunState.COMPLETED)
    with pytest.raises(NotWaitingError, match="is completed"):
        house.control.approve(record.id, "key-1")


def test_an_approval_comes_too_late_once_its_time_is_over(house):
    record = house.start()
    house.wait(record.id, timeout_s=60)
    house.machine.clock.advance(61)
    with pytest.raises(NotWaitingError, match="is running"):
        house.control.approve(record.id, "key-1")


def test_an_answer_that_failed_to_be_told_is_told_when_it_is_given_again(house):
    record = house.start()
    token = house.wait(record.id)
    house.step_functions.broken = 1
    with pytest.raises(ClientError):
        house.control.approve(record.id, "key-1")
    house.control.approve(record.id, "key-1")
    assert [heard for heard, _ in house.step_functions.heard] == [token]


def test_an_event_that_came_before_anybody_waited_is_found(house):
    record = house.start()
    answer = Answer(Verdict.RECEIVED, {"n": 1}, house.machine.clock(), "acme.other")
    assert house.waits.answer(record.id, "received", answer) is False
    token = house.wait(record.id, "hear")
    assert [heard for heard, _ in house.step_functions.heard] == [token]
    assert house.run(record.id).state is RunState.RUNNING


def test_a_wait_that_is_noted_twice_is_one_and_an_older_stay_does_not_take_its_place(house):
    record = house.start()
    token = house.wait(record.id, "hear", entered=2)
    house.waits.enter(record.id, house.wait_of(record.id, "hear", entered=2), token)
    house.wait(record.id, "hear", entered=1)
    house.waits.answer(record.id, "received", Answer(Verdict.RECEIVED, {}, house.machine.clock()))
    assert [heard for heard, _ in house.step_functions.heard] == [token]


def test_an_abort_stops_the_run_and_undoes_what_was_done(house):
    record = house.start()
    job_id = house.do(record.id, "write", {"text": "x"})
    aborting = house.control.abort(record.id)
    assert (aborting.mode, aborting.execution) == (Mode.ABORT, 2)
    assert house.execution(record.id, 1).status == "ABORTED"
    begun = house.execution(record.id, 2).input
    assert (begun["mode"], begun["execution"]) == ("abort", 2)
    assert begun["steps"] == {"write": {"job_id": job_id, "facts": {"text": "x", "attempt": 1}}}
    assert begun["failure"] == {"Error": "aborted", "Cause": "called off"}

    house.tell(record.id, "ABORTED", execution=1)  # word of the old execution's end comes late
    assert house.run(record.id).state is RunState.RUNNING
    assert house.end(record.id, RunState.ABORTED).state is RunState.ABORTED
    with pytest.raises(IllegalRunMoveError):
        house.control.abort(record.id)
    assert house.runs.numbers("publish").ends[RunState.ABORTED] == 1


def test_a_run_stopped_from_outside_is_undone(house):
    record = house.start()
    house.tell(record.id, "ABORTED")
    assert house.execution(record.id, 2).input["mode"] == "abort"
    assert house.end(record.id, RunState.ABORTED).error == "aborted"


def test_a_failed_run_goes_on_from_the_step_that_failed_and_repeats_nothing(house):
    record = house.start(text="hi")
    done = house.do(record.id, "write", {"text": "x"})
    house.wait(record.id)
    house.control.approve(record.id, "key-1")
    failed = house.do(record.id, "send", {"reject": True})
    assert house.machine.record(failed).state is State.FAILED
    house.end(record.id, RunState.FAILED)
    assert house.runs.numbers("publish").failed == 1

    redriven = house.control.redrive(record.id, "key-1")
    assert (redriven.mode, redriven.execution, redriven.redrives) == (Mode.DO, 2, 1)
    begun = house.execution(record.id, 2).input
    assert begun["steps"] == {
        "write": {"job_id": done, "facts": {"text": "x", "attempt": 1}},
        "consent": {"event": "consent-approved", "facts": {}},
    }
    assert begun["facts"] == {"text": "hi"}
    assert house.machine.record(failed).state is State.WAITING
    assert house.machine.receive("obey") == [], "the state machine sends it"
    assert "ttl" not in house.runs.get_part(record.id, "input")
    house.end(record.id, RunState.COMPLETED)
    numbers = house.runs.numbers("publish")
    assert (numbers.completed, numbers.failed, numbers.started) == (1, 0, 1)


def test_a_run_whose_undoing_failed_repeats_the_undos_that_failed(house):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    house.do(record.id, "send", {"text": "y"})
    fine = house.do(record.id, "send", {}, "undo")
    failed = house.do(record.id, "write", {"reject": True}, "undo")
    house.end(record.id, RunState.COMPENSATION_FAILED)
    assert [told.id for told in house.told] == [record.id], "a person is needed"

    house.control.redrive(record.id, "key-1")
    begun = house.execution(record.id, 2).input
    assert begun["mode"] == "undo"
    assert begun["failure"] == {"Error": "rejected", "Cause": "no"}, "what went wrong first is still known"
    assert list(begun["steps"]) == ["write"]
    assert house.machine.record(failed).state is State.WAITING
    assert house.machine.record(fine).state is State.COMPLETED


def test_a_compensated_run_is_started_anew_and_both_know_of_one_another(house):
    record = house.start(text="hi")
    house.end(record.id, RunState.COMPENSATED)
    anew = house.control.redrive(record.id, "key-1")
    assert anew.id != record.id
    assert (anew.redrive_of, house.run(record.id).redriven_as) == (record.id, anew.id)
    assert house.execution(anew.id).input["facts"] == {"text": "hi"}
    assert house.control.redrive(record.id, "key-1").id == anew.id, "asked for again, it is the same"
    assert house.runs.numbers("publish").started == 2


def test_an_effect_that_stands_after_a_failure_is_named(house):
    record = house.start()
    house.do(record.id, "write", {"text": "x"})
    house.do(record.id, "write", {"reject": True}, "undo")
    assert house.read(record.id).left == {}, "it is not over"
    house.end(record.id, RunState.COMPENSATION_FAILED)
    assert house.read(record.id).left == {"write": Left.UNDO_FAILED}


def test_a_step_that_nothing_undoes_stands_in_doubt_where_nobody_knows_how_it_ended(machine, step_functions, catalog):
    catalog.get("obey")
    house = House(machine, step_functions, Sagas((PLAN.model_copy(update={"steps": (_NOT_UNDONE,)}),)))
    unsure, sure = house.start(key="1"), house.start(key="2")
    house.do(unsure.id, "send", {"sleep_s": 2}, timeout_s=1)
    settler = Settler(house.env, catalog, Retention(), machine.clock)
    settler.settle(StepToSettle(run_id=unsure.id, step="send", task="obey"), Job(tenant="acme"))
    house.do(sure.id, "send", {"reject": True})
    for record, left in ((unsure, {"send": Left.IN_DOUBT}), (sure, {})):
        house.end(record.id, RunState.FAILED)
        standing = house.read(record.id)
        assert (standing.left, standing.steps[0].is_in_doubt) == (left, bool(left))


def test_only_what_has_failed_is_redriven(house):
    record = house.start()
    with pytest.raises(IllegalRunMoveError, match="is running"):
        house.control.redrive(record.id, "key-1")
    house.end(record.id, RunState.COMPLETED)
    with pytest.raises(IllegalRunMoveError, match="is completed"):
        house.control.redrive(record.id, "key-1")


def test_runs_are_listed_by_saga_state_and_tenant_newest_first(house):
    queries = RunQueries(house.env, house.sagas)
    ids = [house.start(key=f"k{number}").id for number in range(3)] + [house.start("other").id]
    house.end(ids[1], RunState.COMPLETED)
    house.wait(ids[2])

    def listed(**wanted):
        return {record.id for record in queries.list_runs(RunFilter(**wanted)).entries}

    assert listed() == set(ids)
    assert listed(state=RunState.RUNNING) == {ids[0], ids[3]}
    assert listed(state=RunState.WAITING_FOR_APPROVAL, saga="publish") == {ids[2]}
    assert listed(tenant="acme", state=RunState.COMPLETED) == {ids[1]}
    with pytest.raises(UnknownSagaError):
        listed(saga="nothing")
    first = queries.list_runs(RunFilter(tenant="acme"), limit=2)
    second = queries.list_runs(RunFilter(tenant="acme"), first.cursor, 2)
    assert [record.id for record in (*first.entries, *second.entries)] == [ids[2], ids[1], ids[0]]


def test_an_execution_that_never_began_is_begun(house):
    house.step_functions.broken = 1
    with pytest.raises(ClientError):
        house.starter.start(Start("publish", "acme", input={}, key="k"))
    house.machine.clock.advance(180)
    done = house.watcher.look(lambda: False)
    assert (done.looked_at, done.troubles) == (1, {})
    assert len(house.step_functions.executions) == 1


def test_an_abort_that_died_half_way_is_carried_on(house):
    record = house.start()
    house.step_functions.broken = 1
    with pytest.raises(ClientError):
        house.control.abort(record.id)
    house.machine.clock.advance(180)
    house.watcher.look(lambda: False)
    assert house.execution(record.id, 2).input["mode"] == "abort"


def test_an_end_that_nobody_told_is_found(house):
    record = house.start()
    execution = house.execution(record.id)
    execution.status, execution.error = "FAILED", "compensated"
    house.machine.clock.advance(60)
    house.watcher.look(lambda: False)
    assert house.run(record.id).state is RunState.RUNNING
    house.machine.clock.advance(120)
    house.watcher.look(lambda: False)
    assert house.run(record.id).state is RunState.COMPENSATED


def test_an_answer_that_was_never_told_is_told(house):
    record = house.start()
    token = house.wait(record.id)
    house.step_functions.broken = 1
    with pytest.raises(ClientError):
        house.control.approve(record.id, "key-1")
    house.machine.clock.advance(180)
    house.watcher.look(lambda: False)
    assert [heard for heard, _ in house.step_functions.heard] == [token]


def test_a_stuck_step_is_told_once_and_counts_while_it_is_stuck(house):
    record = house.start()
    house.do(record.id, "send", {"not_now_until": 9})
    house.machine.clock.advance(200)
    house.watcher.look(lambda: False)
    assert house.told == []
    house.machine.clock.advance(200)
    for _ in range(3):
        house.watcher.look(lambda: False)
    (told,) = house.told
    assert told.stuck is not None
    assert (told.stuck.step, told.stuck.limit_s) == ("send", 300)
    assert house.runs.numbers("publish").stuck == 1
    house.end(record.id, RunState.COMPLETED)
    assert house.runs.numbers("publish").stuck == 0


def test_waiting_for_a_person_is_not_being_stuck(house):
    record = house.start()
    house.wait(record.id)
    house.machine.clock.advance(30 * 86_400)
    done = house.watcher.look(lambda: False)
    assert (done.stuck, house.told) == ([], [])
    house.control.approve(record.id, "key-1")
    house.machine.clock.advance(600)
    house.watcher.look(lambda: False)
    assert house.told == [], "its time counts from when it went on"


def test_a_wait_whose_time_is_over_no_longer_stands_as_waiting(house):
    record = house.start()
    house.wait(record.id, timeout_s=60)
    house.machine.clock.advance(30)
    house.watcher.look(lambda: False)
    assert house.run(record.id).state is RunState.WAITING_FOR_APPROVAL
    house.machine.clock.advance(60)
    house.watcher.look(lambda: False)
    assert house.run(record.id).state is RunState.RUNNING


def test_a_round_that_runs_out_of_time_says_so_and_one_runs_trouble_hinders_no_other(house):
    first, second = house.start(key="1"), house.start(key="2")
    house.machine.clock.advance(3_000)
    assert house.watcher.look(lambda: True).is_cut_short
    house.step_functions.executions.pop(f"{first.id}-1")
    done = house.watcher.look(lambda: False)
    assert done.looked_at == 2
    assert {record.id for record in house.told} == {first.id, second.id}
    assert done.troubles == {}


def test_an_upload_of_ten_megabytes_starts_a_run(house):
    aws.s3().put_object(Bucket="payloads", Key="uploads/acme/u", Body=json.dumps({"text": "x" * 10_000_000}))
    record = house.starter.start(Start("publish", "acme", input_ref="uploads/acme/u", key="k")).record
    assert len(json.dumps(house.execution(record.id).input)) < 1_000
    with pytest.raises(InvalidInputError, match="names no upload of this tenant"):
        house.starter.start(Start("publish", "other", input_ref="uploads/acme/u"))


def test_people_hear_of_what_needs_one(house, monkeypatch):
    heard = []

    class Bus:
        def put_events(self, Entries):  # noqa: N803 - the service's name
            heard.extend(Entries)
            return {"FailedEntryCount": 0}

    monkeypatch.setattr(aws, "events", Bus)
    news = Announcements("test")
    asking = Waits(house.env.workflows_table, house.machine.clock, news.question)
    record = house.start()
    wait = house.wait_of(record.id, "consent")
    asking.enter(record.id, wait, "token")
    news.undone_in_part(record)
    news.stuck(record.seen_stuck(Stuck(record.begun_at, 900, "send")))
    assert [(entry["Source"], entry["DetailType"]) for entry in heard] == [
        ("backstay.test.workflow", "workflow.approval_needed"),
        ("backstay.test.workflow", "workflow.compensation_failed"),
        ("backstay.test.workflow", "workflow.stuck"),
    ]
    for entry in heard:
        detail = json.loads(entry["Detail"])
        assert detail["kind"] == "begins"
        assert detail["details"]["run"] == f"/api/runs/{record.id}"
        assert record.id in detail["text"]


def test_people_hear_that_what_they_were_told_is_over(house, bus):
    record = house.start()
    house.wait(record.id)
    house.control.approve(record.id, "key-1")
    house.end(record.id, RunState.COMPENSATION_FAILED)
    house.control.redrive(record.id, "key-1")
    assert bus.told == [
        ("workflow.approval_needed", record.id, "ends"),
        ("workflow.compensation_failed", record.id, "ends"),
    ]


def test_a_run_goes_on_though_nobody_could_be_told_that_news_of_it_is_over(house, bus):
    record = house.start()
    house.wait(record.id)
    bus.is_down = True
    assert house.control.approve(record.id, "key-1").state is RunState.RUNNING


def test_news_that_nobody_took_is_no_news(house, monkeypatch):
    class Bus:
        def put_events(self, Entries):  # noqa: N803 - the service's name
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "no"}]}

    monkeypatch.setattr(aws, "events", Bus)
    with pytest.raises(UnannouncedError, match="InternalFailure"):
        Announcements("test").undone_in_part(house.start())
