"""What befalls a stack while it works: its workers die, its providers break, and its calls to AWS come to grief."""

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from cli.local.processes import Child, child_of, is_running
from tests.chaos.gate import Gate, Mode
from tests.chaos.troubled import Troubled

_KILL_EVERY_S, _BREAK_EVERY_S, _LOOK_EVERY_S = 3.0, 6.0, 0.1
_STATES = ((Mode.FAIL, Mode.ANSWER), (Mode.HANG, Mode.ANSWER), (Mode.ANSWER, Mode.ANSWER), (Mode.FAIL, Mode.FAIL))
"""Of the primary and the other provider, by turns."""


@dataclass
class Workers:
    """The worker processes that have been seen at work, which are the emulator's own."""

    seen: dict[int, Child] = field(default_factory=dict)
    killed: int = 0

    def note(self, pids: Iterable[int]) -> None:
        """These have just done something."""
        for pid in pids:
            if pid not in self.seen:
                self.seen[pid] = child_of("a worker", pid)

    def kill_one(self) -> None:
        """Any that still runs, between any two of its instructions."""
        alive = [child for child in list(self.seen.values()) if is_running(child)]
        if alive:
            os.kill(random.choice(alive).pid, signal.SIGKILL)
            self.killed += 1


@contextmanager
def harm(workers: Workers, providers: Sequence[Gate], way: Troubled) -> Iterator[Callable[[], None]]:
    """All of it at once; answers what to call to have it over, which the end has too."""
    over = threading.Event()
    thread = threading.Thread(target=_do_harm, args=(workers, providers, over), daemon=True)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()
        way.weather.is_calm = True

    try:
        yield end
    finally:
        end()


def _do_harm(workers: Workers, providers: Sequence[Gate], over: threading.Event) -> None:
    states = itertools.cycle(_STATES)
    kill_at = break_at = time.monotonic()
    while not over.wait(_LOOK_EVERY_S):
        now = time.monotonic()
        if now >= break_at:
            for provider, mode in zip(providers, next(states), strict=True):
                provider.mode = mode
            break_at = now + _BREAK_EVERY_S
        if now >= kill_at:
            workers.kill_one()
            kill_at = now + random.uniform(0.5, 1.5) * _KILL_EVERY_S
    for provider in providers:
        provider.mode = Mode.ANSWER


def breaks_now_and_then(part: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """A receiver's script: some requests are carried out and never answered."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        if random.random() < part:
            handler.close_connection = True
            return
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return script
