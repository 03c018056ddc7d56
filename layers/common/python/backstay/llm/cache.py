"""Answers used again, and questions asked once: in this process first, then by the cache table.

What can't be looked up is asked: a cache that is down costs money, not work.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from backstay.errors import ErrorClass
from backstay.llm.answer_table import KEPT_S, AnswerTable, Held
from backstay.llm.cache_key import key_of_all
from backstay.llm.errors import LLMError
from backstay.llm.flights import Flights, StillFlying
from backstay.llm.recent_answers import CachedAnswer, RecentAnswers
from backstay.running import HAND_BACK_S, Job
from backstay.telemetry import logger

_LEASE_MARGIN_S = 5.0
_PENDING_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Fresh:
    """What asking brought: which of the keys the answer belongs under, and the answer."""

    key: str
    answer: CachedAnswer


class AnswerCache:
    """This process's. Used by many threads at once."""

    def __init__(self, table: AnswerTable, recent: RecentAnswers | None = None) -> None:
        self._table, self._recent = table, recent or RecentAnswers()
        self._flights: Flights[CachedAnswer] = Flights()
        self._complained = False

    def answer(self, keys: Sequence[str], job: Job, ask: Callable[[], Fresh]) -> tuple[CachedAnswer, bool]:
        """The answer to a question, asked at most once at a time by whoever asks the same.

        Args:
            keys: one for each route, in the routes' order.
            job: whose question it is; bounds how long it waits and how long others wait for it.
            ask: asks the routes. Called in this thread, or not at all.

        Returns:
            The answer, and whether it came without asking.

        Raises:
            LLMError: what `ask` raised, here or in the thread that asked; or `answer_pending`: somebody else is asking.
        """
        if known := self._recent.first(keys):
            job.metric("CacheHits", 1)
            return known, True
        question, asked = key_of_all(keys), _Asked(ask)
        try:
            answer, _ = self._flights.join(question, lambda: self._lead(keys, question, job, asked), _patience_s(job))
        except StillFlying:
            raise _pending() from None
        self._measure(job, asked=asked.was_called)
        return answer, not asked.was_called

    def _lead(self, keys: Sequence[str], question: str, job: Job, ask: Callable[[], Fresh]) -> CachedAnswer:
        held: Held | None = None
        try:
            found = self._table.find(keys, question)
            if found.answer:
                self._recent.keep(found.key, found.answer)
                return found.answer
            if not found.asked_elsewhere:
                held = self._table.hold(question, min(KEPT_S, job.remaining_s + _LEASE_MARGIN_S))
        except (BotoCoreError, ClientError) as error:
            self._complain(error)
        else:
            if held is None:
                raise _pending()
        return self._ask_and_keep(ask, held)

    def _ask_and_keep(self, ask: Callable[[], Fresh], held: Held | None) -> CachedAnswer:
        kept = False
        try:
            fresh = ask()
            self._recent.keep(fresh.key, fresh.answer)
            kept = self._keep(fresh)
        finally:
            # A kept answer is found before its lease is looked at; without one, others must ask for themselves.
            if held and not kept:
                self._release(held)
        return fresh.answer

    def _keep(self, fresh: Fresh) -> bool:
        try:
            return self._table.keep(fresh.key, fresh.answer)
        except (BotoCoreError, ClientError) as error:
            self._complain(error)
            return False

    def _release(self, held: Held) -> None:
        try:
            self._table.release(held)
        except (BotoCoreError, ClientError) as error:
            self._complain(error)  # it lapses by itself

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            logger().warning("the cache table can't be used; every question is asked", error=str(error))

    def _measure(self, job: Job, *, asked: bool) -> None:
        job.metric("CacheMisses" if asked else "CacheHits", 1)
        if asked:
            job.metric("CacheSize", len(self._recent))
            if evicted := self._recent.take_evicted():
                job.metric("CacheEvictions", evicted)


class _Asked:
    """Asks, and remembers that it did."""

    def __init__(self, ask: Callable[[], Fresh]) -> None:
        self._ask, self.was_called = ask, False

    def __call__(self) -> Fresh:
        self.was_called = True
        return self._ask()


def _patience_s(job: Job) -> float:
    return max(0.0, job.remaining_s - HAND_BACK_S)


def _pending() -> LLMError:
    wait_s = _PENDING_WAIT_S * (1 + random.random())  # noqa: S311 - jitter
    return LLMError(
        ErrorClass.ANSWER_PENDING, "another job is asking the same; its answer is waited for", retry_after_s=wait_s
    )
