"""Simulated time and threads: one step after another, in an order that the seed decides, and waiting costs nothing.

A thread is a greenlet, and the event loop of asyncio switches between them. A process is a set of greenlets that may
end at any step without another word, or be frozen and thaw, as Lambda does it.
"""

import asyncio
import concurrent.futures
import contextvars
import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from greenlet import getcurrent, greenlet

_graves: list[object] = []
"""Threads that never end are kept: dropped, they would run on in their `finally`."""


class StandstillError(Exception):
    """Everybody waits, and nothing will ever happen."""


@dataclass(eq=False)
class Process:
    """Some threads with a memory of their own."""

    name: str
    is_dead: bool = False
    is_frozen: bool = False
    memory: dict[object, Any] = field(default_factory=dict)
    at_death: Callable[[], None] = lambda: None
    _postponed: list[Callable[[], None]] = field(default_factory=list)

    def die(self) -> None:
        """End it. A thread of its own that calls this does not go on."""
        self.is_dead = True
        _loop().call_soon(self.at_death)
        if current_process() is self and getcurrent() is not _loop().hub:
            pause()

    def freeze(self) -> None:
        """Let its threads stand still."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Let them go on."""
        self.is_frozen = False
        postponed, self._postponed = self._postponed, []
        for resume in postponed:
            _loop().call_soon(resume)

    def run(self, function: Callable[[], Any], done: Callable[[Any], None] = lambda _: None) -> None:
        """Run a function in a thread of it. `done` hears what it answered, unless the process died."""
        context = contextvars.copy_context()
        context.run(_process.set, self)
        _start(lambda: done(function()), self, context)

    def postpone(self, resume: Callable[[], None]) -> None:
        self._postponed.append(resume)


_process: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


def current_process() -> Process | None:
    """Whose thread this is; None for the world's own."""
    return _process.get()


class _Thread(greenlet):
    process: Process | None = None


class Loop(asyncio.BaseEventLoop):
    """An event loop whose time goes on only while everybody waits."""

    def __init__(self, epoch: float) -> None:
        super().__init__()
        self.now, self.epoch, self.hub = 0.0, epoch, getcurrent()
        self._selector = self

    def time(self) -> float:
        return self.now

    def select(self, timeout: float | None) -> list[Any]:
        """In the place of a selector: what would be waited for is over at once."""
        if timeout is None:
            raise StandstillError
        self.now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """It is awake."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if error := context.get("exception"):
            raise error


_current: list[Loop] = []


def _loop() -> Loop:
    return _current[-1]


def now() -> float:
    """Seconds since the simulation began; 0 before that, while modules are imported."""
    return _current[-1].now if _current else 0.0


def simulate(seed: int, epoch: float, story: Callable[[], None]) -> None:
    """Run a story to its end, with all that it starts on the way.

    Args:
        seed: decides whatever is left to chance.
        epoch: seconds since 1970 when it begins.
        story: the world's own thread.

    Raises:
        Exception: what the story raised.
    """
    random.seed(seed)
    loop = Loop(epoch)
    _current.append(loop)
    ended = loop.create_future()

    def tell() -> None:
        try:
            story()
        except BaseException as error:  # noqa: BLE001 - whoever asked for the story gets it
            ended.set_exception(error)
        else:
            ended.set_result(None)

    begin(tell)
    loop.run_until_complete(ended)
    _graves.append(loop)


def begin(function: Callable[[], None]) -> None:
    """Do something in a thread of the world's own, which nothing harms."""
    _start(function, None, contextvars.Context())


def _start(function: Callable[[], None], process: Process | None, context: contextvars.Context) -> None:
    thread = _Thread(function, _loop().hub)
    thread.process, thread.gr_context = process, context
    _graves.append(thread)
    _loop().call_soon(_resume, thread)


def _resume(thread: _Thread, *value: Any) -> None:
    if (process := thread.process) is not None:
        if process.is_dead:
            return
        if process.is_frozen:
            process.postpone(lambda: _resume(thread, *value))
            return
    thread.switch(*value)


def pause() -> Any:
    """Let this thread wait until it is resumed."""
    if getcurrent() is _loop().hub:
        raise StandstillError("the loop itself can't wait")
    return _loop().hub.switch()


def sleep(seconds: float) -> None:
    """Wait so long."""
    _loop().call_later(max(0.0, seconds), _resume, getcurrent())
    pause()


def later(seconds: float, function: Callable[[], None]) -> None:
    """Do something then, whoever lives."""
    _loop().call_later(seconds, function)


class Crowd:
    """Threads that wait for the same thing."""

    def __init__(self) -> None:
        self._waiting: list[greenlet] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until woken; False where that took too long."""
        me = getcurrent()
        self._waiting.append(me)
        timer = None if timeout is None else _loop().call_later(max(0.0, timeout), self._expire, me)
        woken = bool(pause())
        if timer:
            timer.cancel()
        return woken

    def wake(self, most: int | None = None) -> None:
        """Wake those who have waited longest."""
        woken, self._waiting = self._waiting[:most], self._waiting[len(self._waiting[:most]) :]
        for thread in woken:
            _loop().call_soon(_resume, thread, True)

    def _expire(self, thread: Any) -> None:
        if thread in self._waiting:
            self._waiting.remove(thread)
            _resume(thread, False)


class Lock:
    """In the place of `threading.Lock`."""

    def __init__(self) -> None:
        self._held, self._crowd = False, Crowd()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        ends_at = now() + timeout if timeout >= 0 and _current else None
        while self._held:
            if not blocking or (ends_at is not None and now() >= ends_at):
                return False
            self._crowd.wait(None if ends_at is None else ends_at - now())
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        if self._crowd._waiting:
            self._crowd.wake(1)

    def locked(self) -> bool:
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Condition:
    """In the place of `threading.Condition`."""

    def __init__(self, lock: Any = None) -> None:
        self._lock, self._crowd = lock or Lock(), Crowd()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        try:
            return self._crowd.wait(timeout)
        finally:
            self.acquire()

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        ends_at = None if timeout is None else now() + timeout
        while not (found := predicate()):
            if ends_at is not None and now() >= ends_at:
                break
            self.wait(None if ends_at is None else ends_at - now())
        return found

    def notify(self, n: int = 1) -> None:
        self._crowd.wake(n)

    def notify_all(self) -> None:
        self._crowd.wake()

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(self, *_: object) -> None:
        self.release()


class Threads(concurrent.futures.Executor):
    """In the place of `ThreadPoolExecutor`: each task has a thread of its own."""

    def __init__(self, max_workers: int | None = None, **_: Any) -> None:
        """However many are wanted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[Any]":
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def work() -> None:
            try:
                result = fn(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
                future.set_exception(error)
            else:
                future.set_result(result)

        _start(work, current_process(), contextvars.copy_context())
        return future


class Runner:
    """In the place of `asyncio.Runner`."""

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        task = _loop().create_task(coroutine)
        _graves.append(task)
        thread = getcurrent()
        task.add_done_callback(lambda _: _resume(thread))
        pause()
        return task.result()


def _install() -> None:
    threading.Lock, threading.Condition = Lock, Condition  # type: ignore[assignment,misc]
    concurrent.futures.ThreadPoolExecutor = Threads  # type: ignore[assignment,misc]
    asyncio.Runner = Runner  # type: ignore[assignment,misc]
    time.monotonic = time.perf_counter = now
    time.time = lambda: _current[-1].epoch + _current[-1].now if _current else 0.0
    time.time_ns = lambda: round(time.time() * 1e9)
    time.sleep = sleep
    uuid.uuid4 = lambda: uuid.UUID(int=random.getrandbits(128), version=4)
    secrets.token_urlsafe = lambda nbytes=16: f"{random.getrandbits(8 * (nbytes or 16)):x}"


class Datetime(datetime):
    """In the place of `datetime` where somebody asks what time it is."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.fromtimestamp(time.time(), tz)


_install()
