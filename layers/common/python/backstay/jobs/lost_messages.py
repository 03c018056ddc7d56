"""Finds jobs that have no message any more, and sends one: what makes submitting, parking and leases hold for good."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from backstay.catalog import AnyTask
from backstay.clock import Clock, iso
from backstay.jobs import keys
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.endings import Endings
from backstay.jobs.indexes import BY_STATE, Entry, oldest_first
from backstay.jobs.lanes import Lanes
from backstay.jobs.message import write
from backstay.jobs.overdue import PATIENCE, Patience
from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.queues import Queues
from backstay.jobs.record import JobRecord, State
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.jobs.submit import Submitter
from backstay.settings import Environment

MOST_SENT = 100
"""Jobs that one sweep mends, a task and state: a backlog that is only long is not flooded."""

_MOST_SEEN = 1000
_PAGE = 100
_MARK_KEPT = timedelta(days=1)


class LostMessages:
    """Looks through jobs that have been still for too long.

    A long backlog is looked through over several sweeps: a mark in the jobs table says where the last one stopped.
    """

    def __init__(self, env: Environment, submitter: Submitter, endings: Endings, clock: Clock) -> None:
        self._table, self._submitter, self._endings, self._clock = env.jobs_table, submitter, endings, clock
        self._store, self._lanes = JobStore(env.jobs_table), Lanes(env.jobs_table)
        self._counters, self._queues = CounterStore(env.jobs_table), Queues(env, clock)

    def send_again(self, task: AnyTask, time_is_up: Callable[[], bool]) -> Counter[str]:
        """Send the messages of one task's overdue jobs; answers what was done, by name.

        Args:
            task: a paused one is left alone, since all of its jobs wait.
            time_is_up: asked before each job.
        """
        done: Counter[str] = Counter()
        if not self._counters.read_task(task.name, self._clock()).paused:
            for patience in PATIENCE:
                done += self._look_through(task, patience, time_is_up)
        return done

    def _look_through(self, task: AnyTask, patience: Patience, time_is_up: Callable[[], bool]) -> Counter[str]:
        now = self._clock()
        before = iso(patience.horizon(now, timedelta(seconds=task.limits.lease_s)))
        mark = _Mark(self._store, task.name, patience.state)
        position = mark.read()
        done: Counter[str] = Counter()
        for seen, (entry, record) in enumerate(self._still(task, patience.state, position, before)):
            if time_is_up() or done.total() == MOST_SENT or seen == _MOST_SEEN:
                break
            position = entry.position
            if record and patience.is_overdue(record, now):
                done[self._mend(task, record)] += 1
        else:
            position = None
        mark.move(position, now)
        return done

    def _still(
        self, task: AnyTask, state: State, after: str | None, before: str
    ) -> Iterator[tuple[Entry, JobRecord | None]]:
        """What has not moved since `before`, oldest first, to the end; each with its record, if that is still there."""
        partitions = [keys.state_key(task.name, state, shard) for shard in range(keys.SHARDS)]
        while True:
            entries = oldest_first(self._table, BY_STATE, partitions, after=after, before=before, limit=_PAGE)
            records = {record.id: record for record in self._store.get_many(entry.id for entry in entries)}
            yield from ((entry, records.get(entry.id)) for entry in entries)
            if len(entries) < _PAGE:
                return
            after = entries[-1].position

    def _mend(self, task: AnyTask, record: JobRecord) -> str:
        """Do for one job what it lacks; answers what that was."""
        try:
            if record.state is State.ACTIVE and record.cancel_requested:
                self._endings.cancel(record)
                return "cancelled"
            self._store.save(record, record.resent(self._clock()))
        except LostLeaseError:
            return "moved_on"
        if record.lane and record.state is State.WAITING:
            return self._mend_lane(task, record, record.lane)
        return self._send(task, record)

    def _mend_lane(self, task: AnyTask, record: JobRecord, lane: str) -> str:
        turn = self._lanes.turn(lane)
        if turn == record.id:
            return self._send(task, record)
        if turn is not None:
            holder = self._store.get(turn)
            if holder and not holder.state.is_terminal:
                return "in_line"  # who has the turn is looked after by its own state
            self._lanes.strike(lane, turn)
        self._submitter.line.join(record)
        return "lane_mended"

    def _send(self, task: AnyTask, record: JobRecord) -> str:
        try:
            self._submitter.send_again(record)
        except MissingPayloadError:
            # The worker, which finds no input either, fails it and says so in the record.
            self._queues.send(task, record, write(record, None))
        return "sent_again"


class _Mark:
    """How far the last sweep looked through a task's jobs in a state; none when it came to the end."""

    def __init__(self, store: JobStore, task: str, state: State) -> None:
        self._store, self._id, self._part = store, f"sweep#{task}", str(state)
        self._was: str | None = None

    def read(self) -> str | None:
        self._was = self._store.get_text(self._id, self._part)
        return self._was

    def move(self, to: str | None, now: datetime) -> None:
        if to is None and self._was is not None:
            self._store.delete_part(self._id, self._part)
        elif to is not None:
            self._store.put_text(self._id, self._part, to, now + _MARK_KEPT)
