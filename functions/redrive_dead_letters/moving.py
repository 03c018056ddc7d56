"""Moves dead letters back, portion by portion."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from backstay.catalog import Catalog, UnknownTaskError
from backstay.clock import Clock, from_iso, iso, utc_now
from backstay.errors import GoesOn
from backstay.jobs.dead_letters import DeadLetters, Selection
from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.poison import Poison, PoisonStore
from backstay.jobs.queues import Queues
from backstay.jobs.record import IllegalMoveError, JobRecord
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.jobs.submit import StepJobError, Submitter
from backstay.running import Job
from backstay.settings import Environment
from backstay.telemetry import logger

from .choice import selection_of
from .pace import Moved, Progress, allowance, next_portion_in, read_progress, write_progress
from .task import Redrive, Redriven

CHECKPOINT = "checkpoint"
"""Part of the redrive's own job in the jobs table."""

_CHUNK = 25
_THREADS = 8
_MARGIN_S = 10.0
_KEPT = timedelta(days=30)
_NO_JOB = -1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dead letter about to be moved. Neither record nor poison: it is dead no more."""

    id: str
    generation: int
    """Of the job when it was chosen; one redriven since has a greater one."""
    record: JobRecord | None = None
    poison: Poison | None = None


class Mover:
    """Does the work of the jobs of `redrive-dead-letters`."""

    def __init__(self, env: Environment, catalog: Catalog, clock: Clock = utc_now) -> None:
        self._letters, self._submitter = DeadLetters(env, catalog), Submitter(env, catalog, clock)
        self._store, self._poison = JobStore(env.jobs_table), PoisonStore(env.jobs_table)
        self._queues, self._catalog, self._clock = Queues(env), catalog, clock

    @classmethod
    def of_this_function(cls) -> "Mover":
        """With the environment and the tasks of the Lambda that this runs in."""
        return cls(Environment.read(), Catalog(Path(os.environ["LAMBDA_TASK_ROOT"])))

    def move(self, wanted: Redrive, job: Job) -> Redriven:
        """Move one portion.

        Raises:
            GoesOn: there are more, and the next portion is due later.
            Cancelled: somebody stopped it; what is moved stays moved.
            Rejected: it names another tenant than its own.
        """
        left, progress = self._begin(wanted, job)
        selection = selection_of(wanted, job.tenant, from_iso(progress.until))
        while left > 0 and not progress.at_end and job.remaining_s > _MARGIN_S:
            job.progress(progress.percent, progress.note)
            moved_before = progress.moved
            progress = self._move_some(job, selection, progress, min(left, _CHUNK))
            left -= progress.moved - moved_before
        if progress.at_end:
            return Redriven(moved=progress.moved, skipped=progress.skipped, failed=progress.failed)
        self._save(job, progress)
        wait_s = next_portion_in(wanted.per_second, from_iso(progress.portion_at), self._clock())
        raise GoesOn(progress.note, after_s=wait_s)

    def _begin(self, wanted: Redrive, job: Job) -> tuple[int, Progress]:
        """How many may be moved in this portion, and where the redrive stands."""
        now = self._clock()
        text = self._store.get_text(job.id, CHECKPOINT)
        if text is None:
            until = min(wanted.until or now, now)
            expected = self._letters.plan(selection_of(wanted, job.tenant, until)).count
            return allowance(wanted.per_second, None, now), Progress(iso(until), expected, iso(now))
        progress = self._settle(read_progress(text))
        left = allowance(wanted.per_second, from_iso(progress.portion_at), now)
        return left, replace(progress, portion_at=iso(now)) if left else progress

    def _move_some(self, job: Job, selection: Selection, progress: Progress, most: int) -> Progress:
        """Move a few; what they are is written down first, so that a crash loses neither them nor their count."""
        if selection.ids:
            candidates, progress = self._next_by_id(selection, progress, most)
        else:
            candidates, progress = self._next_by_index(selection, progress, most)
        if not candidates:
            return progress
        under_way = tuple((candidate.id, candidate.generation) for candidate in candidates)
        self._save(job, replace(progress, under_way=under_way))
        return progress.with_outcomes(self._move_all(candidates))

    def _next_by_id(self, selection: Selection, progress: Progress, most: int) -> tuple[list[Candidate], Progress]:
        ends = progress.next_id + most
        ids = [an_id for an_id in selection.ids[progress.next_id : ends] if selection.admits_id(an_id)]
        found = self._candidates(ids)
        unknown = len(selection.ids[progress.next_id : ends]) - len(found)
        progress = replace(progress, next_id=ends, at_end=ends >= len(selection.ids))
        return found, progress.with_outcomes([Moved.SKIPPED] * unknown)

    def _next_by_index(self, selection: Selection, progress: Progress, most: int) -> tuple[list[Candidate], Progress]:
        entries, page_ends = self._letters.failed_after(selection, progress.position, _CHUNK)
        letters = {letter.id: letter for letter in self._letters.read_jobs(entry.id for entry in entries)}
        chosen: list[Candidate] = []
        gone = 0
        for entry in entries:
            if len(chosen) == most:
                break
            progress = replace(progress, position=entry.position)
            letter = letters.get(entry.id)
            if letter is None or letter.job is None:
                gone += 1
            elif selection.admits(letter):
                chosen.append(Candidate(letter.id, letter.job.generation, record=letter.job))
        else:
            progress = replace(progress, position=page_ends or progress.position, at_end=page_ends is None)
        return chosen, progress.with_outcomes([Moved.SKIPPED] * gone)

    def _candidates(self, ids: list[str]) -> list[Candidate]:
        jobs = [letter.job for letter in self._letters.read_jobs(ids) if letter.job]
        return [
            *(Candidate(record.id, record.generation, record=record) for record in jobs),
            *(Candidate(poison.id, _NO_JOB, poison=poison) for poison in self._letters.read_poison(ids)),
        ]

    def _settle(self, progress: Progress) -> Progress:
        """Finish what a run that died had begun."""
        if not progress.under_way:
            return progress
        ids = [an_id for an_id, _ in progress.under_way]
        still_dead = {candidate.id: candidate for candidate in self._candidates(ids)}
        generations = {record.id: record.generation for record in self._store.get_many(ids)}
        outcomes = []
        for an_id, generation in progress.under_way:
            is_moved = generations.get(an_id, generation) > generation
            candidate = still_dead.get(an_id)
            if is_moved or (generation == _NO_JOB and candidate is None):
                outcomes.append(Moved.MOVED)
            else:
                outcomes += self._move_all([candidate]) if candidate else [Moved.SKIPPED]
        return progress.with_outcomes(outcomes)

    def _move_all(self, candidates: list[Candidate]) -> list[Moved]:
        with ThreadPoolExecutor(max_workers=min(_THREADS, len(candidates))) as threads:
            return list(threads.map(self._move_one, candidates))

    def _move_one(self, candidate: Candidate) -> Moved:
        try:
            if candidate.record:
                self._submitter.revive(candidate.record)
            elif candidate.poison:
                return self._send_plain(candidate.poison)
        except (LostLeaseError, IllegalMoveError, StepJobError):
            return Moved.SKIPPED
        except (MissingPayloadError, UnknownTaskError) as error:
            logger().warning("can't be redriven", job_id=candidate.id, reason=str(error))
            return Moved.FAILED
        return Moved.MOVED

    def _send_plain(self, poison: Poison) -> Moved:
        if not poison.whole:
            reason = "only its beginning is on record; SQS's own redrive sends all of it"
            logger().warning("can't be redriven", poison_id=poison.id, reason=reason)
            return Moved.FAILED
        self._queues.send_plain(self._catalog.get(poison.task), poison.body, poison.tenant)
        self._poison.delete(poison.id)
        return Moved.MOVED

    def _save(self, job: Job, progress: Progress) -> None:
        self._store.put_text(job.id, CHECKPOINT, write_progress(progress), self._clock() + _KEPT)
