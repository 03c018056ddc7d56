"""Keeps dead letter queues true: what SQS moved there is recorded, and what is no dead letter any more goes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.catalog import AnyTask
from backstay.clock import Clock
from backstay.errors import ErrorClass, Failure
from backstay.jobs.admission import submission_of
from backstay.jobs.departures import Departures
from backstay.jobs.endings import Endings
from backstay.jobs.keys import tenant_of
from backstay.jobs.message import (
    DEAD_LETTER_FENCE,
    DEAD_LETTER_JOB,
    DEAD_LETTER_POISON,
    DEAD_LETTER_REASON,
    NotAJobError,
    RawMessage,
    StepMessage,
    read,
)
from backstay.jobs.poison import PoisonStore
from backstay.jobs.queues import DEAD_SUFFIX, Queues
from backstay.jobs.record import JobRecord, State
from backstay.jobs.step_jobs import StepJobs, bare_record_of
from backstay.jobs.store import JobStore, LostLeaseError, Refused
from backstay.jobs.submit import InvalidInputError, KeyConflictError, Submitter
from backstay.settings import Environment

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MOST_SEEN = 100
"""Dead letters that one sweep looks at, a task. SQS gives out others each time, so that all are seen in the end."""

_AT_ONCE = 10
_HIDDEN_S = 120  # from the next receive of the same sweep; given back at its end


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in a dead letter queue."""

    message_id: str
    handle: str
    body: str
    receives: int
    reason: str | None = None
    job_id: str | None = None
    fence: int | None = None
    poison_id: str | None = None

    @classmethod
    def of(cls, message: "MessageTypeDef") -> "Letter":
        """From SQS's own form."""
        attributes: Mapping[str, Any] = message.get("MessageAttributes", {})
        texts = {name: attribute.get("StringValue") for name, attribute in attributes.items()}
        fence = texts.get(DEAD_LETTER_FENCE)
        return cls(
            message["MessageId"],
            message["ReceiptHandle"],
            message["Body"],
            int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            texts.get(DEAD_LETTER_REASON),
            texts.get(DEAD_LETTER_JOB),
            int(fence) if fence else None,
            texts.get(DEAD_LETTER_POISON),
        )


@dataclass(slots=True)
class _Round:
    """What one sweep found in one queue."""

    done: Counter[str] = field(default_factory=Counter)
    seen: dict[tuple[str, int], str] = field(default_factory=dict)
    """The message that is the letter of each."""
    kept: list[Letter] = field(default_factory=list)


class DeadQueue:
    """Tends the dead letter queues."""

    def __init__(self, env: Environment, submitter: Submitter, endings: Endings, clock: Clock) -> None:
        self._env, self._submitter, self._endings, self._clock = env, submitter, endings, clock
        self._store, self._poison, self._queues = JobStore(env.jobs_table), PoisonStore(env.jobs_table), Queues(env)
        self._steps = StepJobs(env, clock)

    def tend(self, task: AnyTask, time_is_up: Callable[[], bool]) -> Counter[str]:
        """Look through one task's dead letters; answers what was done, by name.

        Args:
            task: whose queue.
            time_is_up: asked before each ten.
        """
        url = self._env.queue_url(task.name + DEAD_SUFFIX)
        found = _Round()
        try:
            for letters in self._letters(url, time_is_up):
                gone = self._sort_out(task, letters, found)
                _delete(url, gone)
        finally:
            _give_back(url, found.kept)
        return found.done

    def _letters(self, url: str, time_is_up: Callable[[], bool]) -> Iterator[list[Letter]]:
        for _ in range(MOST_SEEN // _AT_ONCE):
            if time_is_up():
                return
            answer = aws.sqs().receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=_AT_ONCE,
                VisibilityTimeout=_HIDDEN_S,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
            letters = [Letter.of(message) for message in answer.get("Messages", ())]
            if not letters:
                return
            yield letters

    def _sort_out(self, task: AnyTask, letters: list[Letter], found: _Round) -> list[Letter]:
        """Deal with ten; answers those that may go."""
        ids = [letter.job_id for letter in letters if letter.job_id]
        records = {record.id: record for record in self._store.get_many(ids)}
        gone = []
        for letter in letters:
            if letter.reason is None:
                found.done[self._take_over(task, letter)] += 1
                gone.append(letter)
            elif self._is_true(letter, records, found.seen):
                found.kept.append(letter)
            else:
                found.done["removed"] += 1
                gone.append(letter)
        return gone

    def _is_true(self, letter: Letter, records: Mapping[str, JobRecord], seen: dict[tuple[str, int], str]) -> bool:
        """Whether this is the one letter of something that is dead still. SQS may give out the same one twice."""
        what = (letter.job_id or letter.poison_id or letter.message_id, letter.fence or 0)
        if seen.setdefault(what, letter.message_id) != letter.message_id:
            return False
        if letter.job_id:
            record = records.get(letter.job_id)
            return record is not None and record.state is State.FAILED and record.fence == letter.fence
        return letter.poison_id is None or self._poison.get(letter.poison_id) is not None

    def _take_over(self, task: AnyTask, letter: Letter) -> str:
        """A message that SQS moved by itself: record it, and put one with attributes in its place."""
        try:
            message = read(letter.body, letter.message_id, task.name, task.version)
            if isinstance(message, RawMessage):
                job_id = self._submitter.register(submission_of(message)).id
            else:
                job_id = message.job_id
                if isinstance(message, StepMessage) and self._store.create(bare_record_of(message, self._clock())):
                    self._steps.note(job_id, message.step)
        except (NotAJobError, KeyConflictError) as error:
            return self._record_poison(task, letter, Failure(ErrorClass.NOT_A_JOB, str(error)))
        except InvalidInputError as error:
            return self._record_poison(task, letter, Failure(ErrorClass.INVALID_INPUT, str(error)))
        return self._record_failed(task, letter, job_id)

    def _record_failed(self, task: AnyTask, letter: Letter, job_id: str) -> str:
        now, lease = self._clock(), timedelta(seconds=task.limits.lease_s)
        claimed = self._store.claim(job_id, task.name, now, lease, 1)
        if isinstance(claimed, Refused) and claimed.record and claimed.record.lease_lapsed(now):
            claimed = self._store.reclaim(claimed.record, now, lease)
        if isinstance(claimed, JobRecord):
            return self._fail(claimed, letter)
        if claimed.record is None:
            if Departures(self._env.jobs_table).has(tenant_of(job_id)):
                return "removed"
            reason = f"job {job_id} is not on record; it may be past its retention"
            return self._record_poison(task, letter, Failure(ErrorClass.NOT_A_JOB, reason))
        if claimed.record.state is State.FAILED:
            self._endings.repeat(claimed.record)
            return "recorded"
        if claimed.record.state.is_terminal and claimed.record.step:
            self._endings.repeat(claimed.record)  # its run may not have heard of it
        return "removed"  # the job is over, or goes on with another message; a lost one is sent again

    def _fail(self, claimed: JobRecord, letter: Letter) -> str:
        message = (
            f"SQS gave up on the job's message after {letter.receives} receives: its worker did not start, or died "
            "each time before it could say anything; its log tells more"
        )
        try:
            self._endings.fail(claimed, Failure(ErrorClass.CRASHED, message), claimed.receipt)
        except LostLeaseError:
            return "removed"
        return "recorded"

    def _record_poison(self, task: AnyTask, letter: Letter, failure: Failure) -> str:
        poison = self._poison.put(task.name, letter.message_id, letter.body, failure, self._clock())
        self._queues.bury_poison(poison)
        return "poison_recorded"


def _delete(url: str, letters: list[Letter]) -> None:
    """One that can't be deleted comes back, and is dealt with by the next sweep."""
    if letters:
        entries = [{"Id": str(n), "ReceiptHandle": letter.handle} for n, letter in enumerate(letters)]
        aws.sqs().delete_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]


def _give_back(url: str, letters: list[Letter]) -> None:
    for start in range(0, len(letters), _AT_ONCE):
        entries = [
            {"Id": str(n), "ReceiptHandle": letter.handle, "VisibilityTimeout": 0}
            for n, letter in enumerate(letters[start : start + _AT_ONCE])
        ]
        aws.sqs().change_message_visibility_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
