"""The sweep: every few minutes, task by task, what fell between table and queue is put right. Bounded, by index."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backstay.catalog import AnyTask, Catalog
from backstay.clock import Clock, utc_now
from backstay.jobs.dead_queue import DeadQueue
from backstay.jobs.endings import Endings, Retention
from backstay.jobs.history import History
from backstay.jobs.lost_messages import LostMessages
from backstay.jobs.submit import Submitter
from backstay.settings import Environment

_EVERY_S = 300


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    done: Mapping[str, Mapping[str, int]]
    """By task, then by name: `sent_again`, `lane_mended`, `cancelled`, `recorded`, `removed` and so on."""
    left_out: tuple[str, ...]
    """Tasks that no time was left for; the next sweep begins with another one."""
    troubles: Mapping[str, str]
    """Tasks whose sweep broke off, and why."""


class Sweeper:
    """Sweeps every task."""

    def __init__(self, env: Environment, catalog: Catalog, retention: Retention, clock: Clock = utc_now) -> None:
        self._catalog, self._clock = catalog, clock
        submitter = Submitter(env, catalog, clock)
        endings = Endings(env, submitter, retention, clock)
        self._lost = LostMessages(env, submitter, endings, clock)
        self._dead = DeadQueue(env, submitter, endings, clock)
        self._history = History(env.jobs_table, clock)

    def sweep(self, time_is_up: Callable[[], bool]) -> Swept:
        """Sweep as many tasks as there is time for.

        Args:
            time_is_up: asked often; once true, the sweep ends within a second or so.
        """
        names = self._in_turn()
        done: dict[str, Counter[str]] = {}
        troubles: dict[str, str] = {}
        for position, name in enumerate(names):
            if time_is_up():
                return Swept(done, names[position:], troubles)
            try:
                if found := self._sweep(self._catalog.get(name), time_is_up):
                    done[name] = found
            except Exception as error:  # noqa: BLE001 - one task's trouble keeps no other from being swept
                troubles[name] = f"{type(error).__name__}: {error}"
        return Swept(done, (), troubles)

    def _sweep(self, task: AnyTask, time_is_up: Callable[[], bool]) -> Counter[str]:
        done = self._lost.send_again(task, time_is_up) + self._dead.tend(task, time_is_up)
        self._history.sum_up(task.name)
        return done

    def _in_turn(self) -> tuple[str, ...]:
        """All tasks, beginning with another one each time, so that none is always the one that is left out."""
        names = self._catalog.names
        first = int(self._clock().timestamp() // _EVERY_S) % max(1, len(names))
        return names[first:] + names[:first]
