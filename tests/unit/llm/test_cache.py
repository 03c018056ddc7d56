"""Answers used again: in the process, through the table, and while they are still being asked for."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from llmock.pytest_plugin import LLMock
from pydantic import BaseModel, Field

from backstay import aws, llm
from backstay.errors import ErrorClass, WorkError
from backstay.llm.answer_table import KEPT_S, LARGEST_BYTES, AnswerTable
from backstay.llm.cache import AnswerCache, Fresh
from backstay.llm.flights import Flights
from backstay.llm.process import forget_switchboard
from backstay.llm.recent_answers import FRESH_S, CachedAnswer, RecentAnswers
from backstay.llm.use import CachePolicy, ModelUse
from backstay.running import Job, current_job

ANSWER = CachedAnswer("anthropic", "claude-haiku-5-5", "forty-two", 10, 2)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Point(BaseModel):
    x: float = Field(ge=0, le=10)


def new_job(tenant: str = "times", task: str = "ask", **use: object) -> Job:
    job = Job(tenant=tenant, task=task, model_use=ModelUse(**use))  # type: ignore[arg-type]
    job.record_metric = lambda metric: metrics.append((metric.name, metric.value))
    return job


metrics: list[tuple[str, float]] = []


@pytest.fixture(autouse=True)
def no_metrics() -> Iterator[None]:
    metrics.clear()
    yield
    current_job.set(None)


def asking(job: Job) -> Job:
    current_job.set(job)
    return job


def test_the_same_question_of_another_job_is_answered_for_nothing(providers: LLMock) -> None:
    asking(new_job())
    first = llm.ask("Why?")
    second_job = asking(new_job())
    second = llm.ask("Why?")
    assert second.value == first.value
    assert (first.cached, second.cached) == (False, True)
    assert len(providers.requests) == 1
    (call,) = second_job.calls
    assert (call.cached, call.cost_usd, call.latency_ms) == (True, Decimal(0), 0)
    assert (call.model, call.input_tokens) == (first.calls[0].model, first.input_tokens)
    assert metrics == [("CacheMisses", 1), ("CacheSize", 1), ("CacheHits", 1)]


def test_another_process_finds_the_answer_in_the_table_by_one_read(providers: LLMock) -> None:
    asking(new_job())
    paid = llm.ask("Why?", output=Point).calls[-1].cost_usd
    forget_switchboard()
    asking(new_job())
    found = llm.ask("Why?", output=Point)
    assert found.cached
    assert found.calls[-1].saved_usd == paid
    assert paid
    assert len(providers.requests) == 1


def test_another_tenant_or_task_or_version_asks_for_itself(providers: LLMock) -> None:
    new_version = CachePolicy(prompt_version="2")
    for job in (new_job(), new_job("post"), new_job(task="answer"), new_job(cache=new_version)):
        asking(job)
        llm.complete("Why?")
    assert len(providers.requests) == 4


def test_an_answer_says_where_it_is_cached_and_can_be_dropped_there(providers: LLMock) -> None:
    asking(new_job())
    reply = llm.ask("Why?")
    assert llm.ask("Why?").cache_keys == reply.cache_keys
    assert llm.ask("Why?", cache=False).cache_keys == ()
    AnswerTable("cache").drop(reply.cache_keys)
    forget_switchboard()  # as another process
    asking(new_job())
    assert not llm.ask("Why?").cached


def test_who_says_so_is_answered_anew(providers: LLMock) -> None:
    for _ in range(2):
        asking(new_job())
        llm.complete("Why?", cache=False)
        asking(new_job(cache=None))
        llm.complete("Why?")
    assert len(providers.requests) == 4
    assert metrics == []


def test_a_call_may_compare_loosely_where_its_task_does_not(providers: LLMock) -> None:
    for text in ("Why  NOT?", "why not?"):
        asking(new_job())
        llm.complete(text, cache=CachePolicy(normalise=True))
    assert len(providers.requests) == 1


def test_a_failover_s_answer_is_kept_under_the_model_that_gave_it(providers: LLMock) -> None:
    providers.fail(500)
    asking(new_job())
    llm.complete("Why?")
    asking(new_job())
    assert llm.ask("Why?").calls[0].provider == "openai", "found, though it is the second route's"
    llm.complete("Why?", routes=["anthropic/claude-haiku-5-5"])
    assert [request.model for request in providers.requests] == ["claude-haiku-5-5", "gpt-5.6-luna", "claude-haiku-5-5"]


def test_what_will_not_do_is_not_kept(providers: LLMock) -> None:
    providers.reply("prose").reply("more prose").reply('{"x": 1}')
    asking(new_job())
    with pytest.raises(llm.LLMError):
        llm.complete("Where?", output=Point, routes=["openai/gpt-5.6-luna"])
    asking(new_job())
    assert llm.complete("Where?", output=Point, routes=["openai/gpt-5.6-luna"]) == Point(x=1)


def test_an_answer_that_the_model_has_learned_to_refuse_is_asked_for_again(providers: LLMock) -> None:
    providers.reply('{"x": 9}').reply('{"x": 1}')

    def make(most: float) -> type[BaseModel]:
        class Place(BaseModel):
            x: float

            def model_post_init(self, _: object) -> None:
                if self.x > most:
                    raise ValueError("too far")

        return Place

    asking(new_job())
    llm.complete("Where?", output=make(10), routes=["openai/gpt-5.6-luna"])
    asking(new_job())
    assert llm.complete("Where?", output=make(5), routes=["openai/gpt-5.6-luna"]).model_dump() == {"x": 1}


def test_a_table_that_is_gone_costs_money_and_no_work(providers: LLMock) -> None:
    aws.dynamodb().delete_table(TableName="cache")
    for _ in range(2):
        asking(new_job())
        assert llm.complete("Why?")
    assert len(providers.requests) == 1, "this process still remembers"


def test_a_hundred_that_ask_the_same_at_once_make_one_call(providers: LLMock) -> None:
    providers.delay(0.5)
    together = threading.Barrier(100)

    def ask(_: int) -> tuple[str, bool]:
        asking(new_job())
        together.wait()
        reply = llm.ask("Why?")
        return reply.value, reply.cached

    with ThreadPoolExecutor(100) as threads:
        replies = list(threads.map(ask, range(100)))
    assert len(providers.requests) == 1
    assert len({value for value, _ in replies}) == 1
    assert sorted(cached for _, cached in replies) == [False] + [True] * 99


class Processes:
    """Several processes' caches over one table."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.asked = 0

    def new(self) -> AnswerCache:
        return AnswerCache(AnswerTable("cache", self.clock))

    def ask(self) -> Fresh:
        self.asked += 1
        return Fresh("key", ANSWER)


@pytest.fixture
def processes(configure: Callable[[str], None]) -> Processes:
    return Processes()


def test_while_another_process_asks_a_job_is_parked_for_a_moment(processes: Processes) -> None:
    def meanwhile() -> Fresh:
        with pytest.raises(WorkError) as caught:
            processes.new().answer(["key"], new_job(), processes.ask)
        failure = caught.value.failure
        assert failure.error_class is ErrorClass.ANSWER_PENDING
        assert failure.error_class.disposition == "park"
        assert failure.retry_after_s is not None
        assert 1 <= failure.retry_after_s <= 2
        return processes.ask()

    assert processes.new().answer(["key"], new_job(), meanwhile) == (ANSWER, False)
    assert processes.new().answer(["key"], new_job(), processes.ask) == (ANSWER, True)
    assert processes.asked == 1


def test_who_failed_lets_others_ask_at_once(processes: Processes) -> None:
    def fail() -> Fresh:
        raise llm.LLMError(ErrorClass.SERVER, "down")

    with pytest.raises(llm.LLMError, match="down"):
        processes.new().answer(["key"], new_job(), fail)
    assert processes.new().answer(["key"], new_job(), processes.ask) == (ANSWER, False)


def test_those_who_waited_in_the_process_are_told_the_same_failure(processes: Processes) -> None:
    cache, together, asked = processes.new(), threading.Barrier(5), []

    def fail() -> Fresh:
        asked.append(1)
        time.sleep(2)  # for the others to come
        raise llm.LLMError(ErrorClass.MODERATION, "no")

    def ask(_: int) -> ErrorClass:
        together.wait()
        with pytest.raises(llm.LLMError) as caught:
            cache.answer(["key"], new_job(), fail)
        return caught.value.failure.error_class

    with ThreadPoolExecutor(5) as threads:
        assert set(threads.map(ask, range(5))) == {ErrorClass.MODERATION}
    assert asked == [1]


def test_the_right_to_ask_of_one_who_died_lapses_when_its_job_would_have_ended(processes: Processes) -> None:
    table = AnswerTable("cache", processes.clock)
    from backstay.llm.cache_key import key_of_all

    assert table.hold(key_of_all(["key"]), 30)
    with pytest.raises(WorkError):
        processes.new().answer(["key"], new_job(), processes.ask)
    processes.clock.now += 31
    assert processes.new().answer(["key"], new_job(), processes.ask) == (ANSWER, False)


def test_a_right_that_has_passed_on_is_not_given_back_by_its_first_holder(processes: Processes) -> None:
    table = AnswerTable("cache", processes.clock)
    first = table.hold("q", 5)
    assert first
    assert table.hold("q", 5) is None
    processes.clock.now += 6
    assert table.hold("q", 5)
    table.release(first)
    assert table.hold("q", 5) is None


def test_answers_are_gone_after_ten_minutes_whether_dynamodb_has_removed_them_or_not(processes: Processes) -> None:
    table = AnswerTable("cache", processes.clock)
    table.keep("key", ANSWER)
    processes.clock.now += KEPT_S - 1
    assert table.find(["other", "key"], "q").answer == ANSWER
    processes.clock.now += 2
    assert table.find(["key"], "q").answer is None


def test_the_first_route_s_answer_wins_in_the_table_and_in_the_process(processes: Processes) -> None:
    table, recent, other = AnswerTable("cache", processes.clock), RecentAnswers(), replace(ANSWER, text="other")
    for key, answer in (("second", other), ("first", ANSWER)):
        table.keep(key, answer)
        recent.keep(key, answer)
    assert table.find(["first", "second"], "q").answer == ANSWER
    assert recent.first(["first", "second"]) == ANSWER


def test_an_answer_too_large_for_an_item_is_given_and_not_kept(processes: Processes) -> None:
    huge = replace(ANSWER, text="x" * (LARGEST_BYTES + 1))
    assert processes.new().answer(["key"], new_job(), lambda: Fresh("key", huge)) == (huge, False)
    assert processes.new().answer(["key"], new_job(), processes.ask) == (ANSWER, False)


def test_a_process_remembers_the_last_answers_for_five_minutes() -> None:
    clock = Clock()
    recent = RecentAnswers(most=2, clock=clock)
    for key in ("a", "b"):
        recent.keep(key, ANSWER)
    assert recent.first(["a"])
    recent.keep("c", ANSWER)
    assert recent.first(["b"]) is None, "it was the one unused for longest"
    assert (len(recent), recent.take_evicted(), recent.take_evicted()) == (2, 1, 0)
    clock.now += FRESH_S + 1
    assert recent.first(["a", "c"]) is None


def test_who_waits_for_a_thread_that_is_interrupted_gets_it_itself() -> None:
    flights: Flights[str] = Flights()
    waiting = threading.Event()

    def interrupted() -> str:
        waiting.wait(2)
        time.sleep(0.1)
        raise KeyError("cancelled")

    with ThreadPoolExecutor(2) as threads:
        leader = threads.submit(flights.join, "key", interrupted, 5)
        while not flights._flights:
            time.sleep(0.01)
        follower = threads.submit(flights.join, "key", lambda: "got", 5)
        waiting.set()
        assert follower.result() == ("got", True)
        with pytest.raises(KeyError):
            leader.result()


def test_who_has_no_time_left_to_wait_is_parked(configure: Callable[[str], None]) -> None:
    cache, begun, go_on = AnswerCache(AnswerTable("cache")), threading.Event(), threading.Event()

    def slow() -> Fresh:
        begun.set()
        go_on.wait(5)
        return Fresh("key", ANSWER)

    hurried = new_job()
    hurried.deadline = time.monotonic() + 2.1
    with ThreadPoolExecutor(1) as threads:
        leader = threads.submit(cache.answer, ["key"], new_job(), slow)
        begun.wait(5)
        with pytest.raises(WorkError) as caught:
            cache.answer(["key"], hurried, slow)
        go_on.set()
        assert leader.result() == (ANSWER, False)
    assert caught.value.failure.error_class is ErrorClass.ANSWER_PENDING
