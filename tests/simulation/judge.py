"""What must hold, at every write and at the end. Amounts are US dollars."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from backstay.budgets.items import PREFIX
from backstay.budgets.items import from_item as budget_of
from backstay.budgets.scope import scopes_of
from backstay.budgets.uncertain import LIST as UNCERTAIN
from backstay.budgets.uncertain import from_item as uncertain_of
from backstay.dynamodb import decode_item
from backstay.errors import ErrorClass
from backstay.jobs.items import STATE_PART, from_item
from backstay.jobs.record import JobRecord, State
from backstay.jobs.results import Results
from tests.memory.dynamodb import Item
from tests.simulation.clockwork import Process
from tests.simulation.faults import Line
from tests.simulation.provider import Bill
from tests.simulation.stage import CATALOG, ENV, Stage

_MAY_FAIL_WITH = {
    ErrorClass.CRASHED,
    ErrorClass.GAVE_UP,
    ErrorClass.INVALID_OUTPUT,
    ErrorClass.TASK_ERROR,
    ErrorClass.TASK_TIMEOUT,
}
_OVER = {str(state) for state in State if state.is_terminal}


class Judge:
    """Watches, and complains."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.stage: Stage
        self.line: Line
        self._claimers: dict[str, Process | None] = {}
        self._completions: Counter[tuple[str, int]] = Counter()
        self._billed: dict[str, Decimal] = defaultdict(Decimal)
        self._last_in_lane: dict[str, tuple[int, str]] = {}
        self._active_in_lane: dict[str, JobRecord] = {}

    def watch(self, table: str, old: Item | None, new: Item | None) -> None:
        """A table has changed."""
        if table == ENV.jobs_table and new and new["part"]["S"] == STATE_PART:
            self._watch_job(from_item(decode_item(old)) if old else None, from_item(decode_item(new)))
        elif table == ENV.guards_table and new and new["id"]["S"].startswith(PREFIX):
            self._watch_budget(new)

    def bill(self, bill: Bill) -> None:
        """A provider has charged a call."""
        if not bill.reservation:
            self._complain(f"the call {bill} was made without a reservation")
        for scope in _scopes(bill):
            self._billed[scope] += bill.usd
            if item := self.stage.dynamodb.tables[ENV.guards_table].items.get((PREFIX + scope,)):
                self._watch_budget(item)

    def sum_up(self, accepted: Mapping[str, dict[str, Any]], bills: list[Bill]) -> None:
        """The end: nothing goes on any more."""
        records = {job_id: self.record(job_id) for job_id in accepted}
        for job_id, record in records.items():
            if record is None or not record.state.is_terminal:
                self._complain(f"job {job_id} is lost: {record.state if record else 'no record'}")
            elif record.state is State.COMPLETED:
                self._check_result(record, accepted[job_id], bills)
            elif record.error and record.error.error_class not in _MAY_FAIL_WITH:
                self._complain(f"job {job_id} failed with {record.error}")
        everything = [from_item(decode_item(item)) for item in self._states()]
        for record in everything:
            if not record.state.is_terminal:
                self._complain(f"job {record.id} is {record.state} for ever")
        self._check_dead_letters(everything)
        self._check_ledger(bills)

    def unfinished(self, accepted: Mapping[str, Any]) -> list[str]:
        """Jobs that are not over."""
        return [job_id for job_id in accepted if not (item := self._item(job_id)) or item["state"]["S"] not in _OVER]

    def is_quiet(self) -> bool:
        """Whether nothing waits in a queue, and nothing is reserved."""
        waits = any(queue.messages for name, queue in self.stage.sqs.queues.items() if not name.endswith("-dead"))
        return not waits and all(item["reserved"]["N"] == "0" for item in self._budgets())

    def record(self, job_id: str) -> JobRecord | None:
        """As it stands."""
        item = self._item(job_id)
        return from_item(decode_item(item)) if item else None

    def _item(self, job_id: str) -> Item | None:
        return self.stage.dynamodb.tables[ENV.jobs_table].items.get((job_id, STATE_PART))

    def _watch_job(self, old: JobRecord | None, new: JobRecord) -> None:
        if old and old.state.is_terminal and new.state is not old.state and new.generation == old.generation:
            self._complain(f"job {new.id} went from {old.state} to {new.state}")
        if new.own_failures > CATALOG.get(new.task).limits.max_attempts:
            self._complain(f"job {new.id} is in attempt {new.own_failures}")
        if new.state is State.COMPLETED and (not old or old.state is not State.COMPLETED):
            self._completions[new.id, new.generation] += 1
            if self._completions[new.id, new.generation] > 1:
                self._complain(f"job {new.id} was completed twice")
        if old:
            self._watch_lease(old, new)
        if new.lane:
            self._watch_lane(new, new.lane)
        if not old or new.fence > old.fence:
            self._claimers[new.id] = self.line.writer

    def _watch_lease(self, old: JobRecord, new: JobRecord) -> None:
        is_held = old.state is State.ACTIVE and old.lease_until and old.lease_until.timestamp() > time.time()
        changed = (new.state, new.fence) != (old.state, old.fence)
        if is_held and changed and self.line.writer is not self._claimers.get(new.id):
            writer = self.line.writer
            self._complain(f"job {new.id} was moved to {new.state} by {writer and writer.name} under another's lease")

    def _watch_lane(self, new: JobRecord, lane: str) -> None:
        if new.state is State.ACTIVE:
            other = self._active_in_lane.get(lane)
            if other and other.id != new.id:
                self._complain(f"jobs {other.id} and {new.id} of one line run at once")
            self._active_in_lane[lane] = new
        elif (other := self._active_in_lane.get(lane)) and other.id == new.id:
            del self._active_in_lane[lane]
        if new.state.is_terminal and new.lane_number is not None:
            last, job_id = self._last_in_lane.get(lane, (0, ""))
            if new.lane_number < last:
                self._complain(f"job {new.id} ended after {job_id}, which came after it")
            self._last_in_lane[lane] = new.lane_number, new.id

    def _watch_budget(self, item: Item) -> None:
        budget = budget_of(item)
        for window, account in budget.accounts.items():
            if account.is_hard and account.left < 0:
                self._complain(f"budget {budget.scope} {window} is overdrawn by {-account.left}")
        if budget.reserved < 0:
            self._complain(f"{budget.reserved} are reserved of {budget.scope}")
        if budget.spent_ever + budget.reserved < self._billed[budget.scope]:
            known = budget.spent_ever + budget.reserved
            self._complain(f"{budget.scope}: {known} are spent or held, and {self._billed[budget.scope]} were billed")

    def _check_result(self, record: JobRecord, asked: dict[str, Any], bills: list[Bill]) -> None:
        result = json.loads(Results(ENV).text(record) or "null")
        for number, answer in enumerate(result.get("answers", ())):
            bill, question = bills[answer["call"]], asked["about"]
            wanted = question if record.task == "ask-once" else f"{question} {number}"
            if answer["heard"] != wanted:
                self._complain(f"job {record.id} asked {wanted!r} and was answered {answer}")
            if bill.tenant != record.tenant:
                self._complain(f"job {record.id} got what tenant {bill.tenant} has paid for")
        if "number" in result and result["number"] != asked["number"]:
            self._complain(f"job {record.id} has the result of another: {result}")

    def _check_dead_letters(self, records: list[JobRecord]) -> None:
        for record in records:
            dead = self.stage.sqs.queues[f"{record.task}-dead"].messages
            found = [one for one in dead if one.attributes.get("job_id", {}).get("StringValue") == record.id]
            if bool(found) is not (record.state is State.FAILED):
                self._complain(f"job {record.id} is {record.state}, and {len(found)} dead letters are its")

    def _check_ledger(self, bills: list[Bill]) -> None:
        uncertain = {holding.name: holding for listed in self.uncertain() for holding in listed.holdings}
        truth: dict[str, Decimal] = defaultdict(Decimal)
        for bill in bills:
            if bill.reservation not in uncertain:
                for scope in _scopes(bill):
                    truth[scope] += bill.usd
        for holding in uncertain.values():
            for scope in holding.scopes:
                truth[scope] += holding.usd
        for budget in map(budget_of, self._budgets()):
            if budget.spent_ever != truth[budget.scope]:
                said = f"{budget.spent_ever} are spent, and {truth[budget.scope]} were billed or are uncertain"
                self._complain(f"{budget.scope}: {said}")
            if budget.reserved:
                self._complain(f"{budget.scope}: {budget.reserved} are reserved for ever")

    def complain_of(self, found: Iterable[str]) -> None:
        """Somebody else has found something."""
        for text in found:
            self._complain(text)

    def _states(self) -> Iterator[Item]:
        items = self.stage.dynamodb.tables[ENV.jobs_table].items
        return (item for (_, part), item in items.items() if part == STATE_PART)

    def _budgets(self) -> Iterator[Item]:
        return (item for item in self._guards() if item["id"]["S"].startswith(PREFIX))

    def uncertain(self) -> Iterator[Any]:
        """What was settled without anybody knowing what it cost."""
        return (uncertain_of(item) for item in self._guards() if item.get("list", {}).get("S") == UNCERTAIN)

    def _guards(self) -> list[Item]:
        return list(self.stage.dynamodb.tables[ENV.guards_table].items.values())

    def _complain(self, text: str) -> None:
        self.complaints.append(text)
        self.line.note(f"VIOLATION {text}")


def _scopes(bill: Bill) -> tuple[str, ...]:
    return scopes_of(bill.provider, tenant=bill.tenant, task=bill.task)
