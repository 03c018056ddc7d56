"""A rate that a whole fleet keeps to: permits from one item, taken in lots for all who wait in a process."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from backstay.errors import BackstayError, ErrorClass, WorkError
from backstay.resilience.permits import Permit, Returns, Stock
from backstay.resilience.rate_store import Moved, WindowStore
from backstay.resilience.window import Ask, Plan, Priority, RateLimits, Window, plan
from backstay.telemetry import logger

__all__ = ["Permit", "Priority", "RateExceeded", "RateLimit", "RateLimits", "RateUse", "TooLarge"]

_FIRST_STOCK = 9  # a batch of ten jobs may come to its calls a little apart, and is served by one write all the same
_USE_FRACTION = 0.75
"""Permits are handed out during this part of the lapse; the rest is for sending the call and for clocks that differ."""
_MOST_SKEW_MS = 1_000
"""Clocks in AWS differ by milliseconds. One that is ahead by more than this is wrong, and is not followed."""
_MOST_ROUNDS = 10
_MOST_SLOW_WRITES = 3
"""A process that starts, and imports an SDK beside this, may be slow for a moment; one that stays so is refused."""
_SPREAD = 1 / 120
"""Processes that are told the same time come back within this part of a window, and don't write over one another."""
_UNREADABLE_RETRY_S = 5.0
_GATHER_S = 0.02
_FIRST_STEP_S, _LONGEST_STEP_S = 0.04, 0.16
"""Processes that wrote at the same moment step apart by so much; each write that is refused is paid for."""


class RateExceeded(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call was not made: it would pass the other side's limit. `wait_s` says when it will not."""

    def __init__(self, name: str, wait_s: float, why: str) -> None:
        super().__init__(
            ErrorClass.RATE_EXCEEDED, f"rate {name!r} {why}; again in {wait_s:.1f} s", retry_after_s=wait_s
        )
        self.name, self.wait_s = name, wait_s


class TooLarge(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call can cost more tokens than the rate ever allows: no wait helps."""

    def __init__(self, name: str, tokens: int, most: float, priority: Priority) -> None:
        message = (
            f"a call that may take {tokens} tokens never fits rate {name!r}, which allows {most:g} at once to priority "
            f"{priority!r}; lower max_output_tokens, shorten the prompt, or raise the limit"
        )
        super().__init__(ErrorClass.OVER_LIMIT, message)


@dataclass(frozen=True, slots=True)
class RateUse:
    """How much of a rate is in use."""

    limits: RateLimits
    requests: int
    tokens: int
    requests_today: int


class _TooLate(BackstayError):  # noqa: N818 - no fault: what comes next is another try
    """A lot was written, and its permits may not be used any more."""


@dataclass(slots=True)
class _Waiting:
    """One call that waits for the round that serves it."""

    ask: Ask
    answer: Permit | WorkError | None = None


class RateLimit:
    """One rate by its name; one object a process and name.

    Args:
        name: names the shared item, such as `anthropic`.
        limits: what the other side allows.
        table: the guards table.
        now_ms: the wall clock, milliseconds since 1970.
        spread: 0 to 1, where in the spread of told waits this process comes back.
    """

    def __init__(
        self,
        name: str,
        limits: RateLimits,
        table: str,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self.name, self.limits = name, limits
        self._store, self._now_ms, self._spread = WindowStore(name, table), now_ms, spread
        self._use_s = limits.lapse_s * _USE_FRACTION
        self._behind_s = spread() * limits.window_s * _SPREAD  # the same for all callers, who come back together
        self._crowded_until = 0.0
        self._lock = threading.Lock()
        self._round_over = threading.Condition(self._lock)
        self._busy = False
        self._waiting: list[_Waiting] = []
        self._stock, self._returns = Stock(), Returns()
        self._handed_out: deque[float] = deque(maxlen=1000)

    def take(self, tokens: int = 0, priority: Priority = "normal") -> Permit:
        """A permit for one call that takes at most so many tokens. Waits for the table, never for the rate.

        Raises:
            RateExceeded: says when to come back. Also when the table can't be read: a limit is kept, not guessed.
            TooLarge: no wait helps.
        """
        ask = Ask(tokens, priority)
        most = self.limits.most(priority)
        if not ask.amount.fits(most):
            raise TooLarge(self.name, tokens, most.tokens, priority)
        with self._lock:
            if permit := self._from_stock(ask):
                return permit
            mine = _Waiting(ask)
            self._waiting.append(mine)
        answer = self._answer(mine)
        if isinstance(answer, WorkError):
            raise answer
        return answer

    def use(self) -> RateUse:
        """How much is in use, as the table says.

        Raises:
            botocore.exceptions.ClientError, BotoCoreError: the table can't be read.
        """
        window, _ = self._store.read()
        window = window.at(self._now_ms(), self.limits)
        return RateUse(self.limits, int(window.used.requests), int(window.used.tokens), window.day_requests)

    def _answer(self, mine: _Waiting) -> Permit | WorkError:
        """Wait for the round under way, and lead the next one if it did not serve this call."""
        while True:
            with self._round_over:
                while self._busy and mine.answer is None:
                    self._round_over.wait()
                if mine.answer is not None:
                    return mine.answer
                self._busy = True
            try:
                self._lead()
            finally:
                with self._round_over:
                    self._busy = False
                    self._round_over.notify_all()

    def _lead(self) -> None:
        """Read, decide for all who wait by then, write once; again, a little apart, if another process was faster."""
        served: list[_Waiting] = []
        if time.monotonic() < self._crowded_until:
            time.sleep(_GATHER_S)  # others were told to come back at this moment too: one lot for all of them
        try:
            slow_writes = 0
            for attempt in range(_MOST_ROUNDS):
                try:
                    return self._serve(served, *self._store.read())
                except Moved:
                    time.sleep(self._spread() * min(_LONGEST_STEP_S, _FIRST_STEP_S * 2**attempt))
                except _TooLate:
                    slow_writes += 1
                    if slow_writes == _MOST_SLOW_WRITES:
                        why = "was written too slowly for its permits to be used"
                        return self._refuse(served, _UNREADABLE_RETRY_S, why)
            self._refuse(served, self.limits.window_s * _SPREAD, "is asked by more processes than it can answer")
        except (ClientError, BotoCoreError) as error:
            logger().warning("rate can't be read or written; no call is made", rate=self.name, exc_info=True)
            self._refuse(served, _UNREADABLE_RETRY_S, f"can't be read or written ({type(error).__name__})")
        except BaseException:
            with self._lock:  # whoever leads next serves them
                self._waiting[:0] = [waiting for waiting in served if waiting.answer is None]
            raise

    def _serve(self, served: list[_Waiting], window: Window, version: int) -> None:
        asked_at, own_ms = time.monotonic(), self._now_ms()
        now_ms = max(own_ms, min(window.latest_ms, own_ms + _MOST_SKEW_MS))
        with self._lock:
            served += self._waiting
            self._waiting.clear()
            stock, self._stock = self._stock, Stock()
            returns, self._returns = self._returns, Returns()
            expected = self._expected(asked_at)
        if stock.usable_until <= asked_at:
            returns.add(stock.lot_ms, stock.requests, stock.tokens)
            stock = Stock()
        window = returns.applied_to(window.at(now_ms, self.limits))
        decided = plan(window, self.limits, [waiting.ask for waiting in served], now_ms, expected)
        if not decided.granted:
            self._restore(stock, returns)
            return self._tell(served, decided, lot_ms=0)
        window = window.give_back(stock.lot_ms, stock.requests, stock.tokens)  # no room for two of them
        window, lot_ms = window.take(int(decided.taken.requests), int(decided.taken.tokens), now_ms, self.limits)
        try:
            self._store.write(window, version)
        except Moved:
            self._restore(stock, returns)
            raise  # after any other error it may have been written all the same, and nothing goes back twice
        return self._hand_out(served, decided, lot_ms, asked_at + self._use_s)

    def _hand_out(self, served: list[_Waiting], decided: Plan, lot_ms: int, usable_until: float) -> None:
        if time.monotonic() >= usable_until:
            with self._lock:
                self._returns.add(lot_ms, int(decided.taken.requests), int(decided.taken.tokens))
            raise _TooLate
        with self._lock:
            stock = decided.stock
            self._stock = Stock(lot_ms, int(stock.requests), int(stock.tokens), usable_until)
            for waiting in self._waiting:  # who came while the lot was written
                waiting.answer = self._from_stock(waiting.ask)
            self._waiting = [waiting for waiting in self._waiting if waiting.answer is None]
        return self._tell(served, decided, lot_ms)

    def _tell(self, served: list[_Waiting], decided: Plan, lot_ms: int) -> None:
        with self._lock:
            for place in decided.granted:
                served[place].answer = self._permit(served[place].ask, lot_ms)
            for place, wait_ms in decided.wait_ms.items():
                wait_s = wait_ms / 1000 + self._behind_s
                served[place].answer = RateExceeded(self.name, wait_s, "is used up")
                self._crowded_until = max(self._crowded_until, time.monotonic() + wait_s + self.limits.lapse_s)

    def _refuse(self, served: list[_Waiting], wait_s: float, why: str) -> None:
        with self._lock:
            for waiting in (*served, *self._waiting):
                waiting.answer = RateExceeded(self.name, wait_s * (1 + self._spread()), why)
            self._waiting.clear()

    def _restore(self, stock: Stock, returns: Returns) -> None:
        with self._lock:
            self._stock = stock
            self._returns.add_all(returns)

    def _from_stock(self, ask: Ask) -> Permit | None:
        stock = self._stock
        if not stock.serves(ask.tokens, time.monotonic()):
            return None
        self._stock = replace(stock, requests=stock.requests - 1, tokens=stock.tokens - ask.tokens)
        return self._permit(ask, stock.lot_ms)

    def _permit(self, ask: Ask, lot_ms: int) -> Permit:
        self._handed_out.append(time.monotonic())
        return Permit(ask.tokens, lot_ms, self._give_back)

    def _give_back(self, lot_ms: int, requests: int, tokens: int) -> None:
        with self._lock:
            self._returns.add(lot_ms, requests, tokens)

    def _expected(self, now: float) -> int:
        """How many calls are likely to come while a lot can be used: as many as lately, and at first a batch."""
        return max(_FIRST_STOCK, sum(1 for at in self._handed_out if at > now - self._use_s))
