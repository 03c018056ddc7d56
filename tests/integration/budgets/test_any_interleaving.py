"""Money is conserved on a table too, whatever processes do side by side and whatever the table does to them."""

import itertools
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from backstay.budgets.batch import Batch
from backstay.budgets.budget import Budget, Limit, exact
from backstay.budgets.entry import Ask
from backstay.budgets.lapsed import LapsedLeases
from backstay.budgets.lease import SHARDS
from backstay.budgets.ledger import Ledger, Reservation
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore
from backstay.config import parse
from backstay.errors import ErrorClass, WorkError
from tests.integration.budgets.conftest import Stage, Troubles

START = datetime(2026, 1, 30, 23, tzinfo=UTC)
CALL_S = 60
LONGER_THAN_A_LEASE_S = 200
TOML = """
[budgets.providers."*"]
daily = 3
monthly = 5
yearly = 20
[budgets.tenants."*"]
daily = 2
yearly = 9
soft = ["daily"]
"""
PROCESSES, TENANTS = 3, 2

processes, tenants, places = st.integers(0, PROCESSES - 1), st.integers(0, TENANTS - 1), st.integers(0, 100)
amounts, parts = st.decimals("0.000001", "1", places=6), st.decimals("0", "1", places=6)
fates = st.lists(st.sampled_from(["", "conflict", "throttle", "lost", "late"]), max_size=3)
_examples = itertools.count()


@dataclass
class Process:
    """One process, and the batch that it is in."""

    ledger: Ledger
    running: Batch
    inside: ExitStack = field(default_factory=ExitStack)


@dataclass(frozen=True, slots=True)
class Held:
    """A call under way."""

    reservation: Reservation
    scopes: tuple[str, ...]
    most: Decimal
    process: int


class AnyInterleaving(RuleBasedStateMachine):
    """Reserve, settle, release, crash, expire, change limits, turn windows; in batches and alone, with troubles."""

    def __init__(self, table: str, troubles: Troubles) -> None:
        super().__init__()
        self.table, self.troubles = table, troubles
        self.store, self.now, self.example = LedgerStore(table), START, next(_examples)
        troubles.kinds.clear()
        troubles.late.clear()
        self.processes = [self.new_process() for _ in range(PROCESSES)]
        self.held: list[Held] = []
        self.costs: dict[str, tuple[tuple[str, ...], Decimal]] = {}
        """What each call cost by reservation, and of which scopes."""

    def new_process(self) -> Process:
        running = Batch()
        return Process(Ledger(parse(TOML).budgets, self.table, lambda: self.now, running, patience_s=60), running)

    def scopes(self, tenant: int) -> tuple[str, ...]:
        return f"provider:p{self.example}", f"tenant:t{self.example}-{tenant}"

    def budgets(self) -> dict[str, Budget]:
        return self.store.read(sorted({scope for tenant in range(TENANTS) for scope in self.scopes(tenant)}))

    @rule(process=processes, asks=st.lists(st.tuples(tenants, amounts), min_size=1, max_size=3), troubles=fates)
    def reserve(self, process: int, asks: list[tuple[int, Decimal]], troubles: list[str]) -> None:
        self.troubles.kinds = troubles
        for tenant, usd in asks:
            scopes = self.scopes(tenant)
            answer = self.ask(process, Ask(usd, scopes, CALL_S))
            if isinstance(answer, WorkError):
                assert answer.failure.error_class in (ErrorClass.BUDGET_EXCEEDED, ErrorClass.BUDGET_HELD)
                assert self.has_too_little(scopes, usd), "refused although there was money for it"
            else:
                self.held.append(Held(answer, scopes, exact(usd), process))
                assert not self.passed(scopes), "let through although a hard limit is passed"

    def ask(self, process: int, ask: Ask) -> Reservation | WorkError:
        try:
            return self.processes[process].ledger.reserve(ask)
        except WorkError as error:
            return error

    def has_too_little(self, scopes: tuple[str, ...], usd: Decimal) -> bool:
        budgets = self.budgets()
        accounts = [account for scope in scopes for account in budgets[scope].accounts.values()]
        return any(account.is_hard and account.left < usd for account in accounts)

    def passed(self, scopes: tuple[str, ...]) -> bool:
        budgets = self.budgets()
        accounts = [account for scope in scopes for account in budgets[scope].accounts.values()]
        return any(account.is_hard and account.left < 0 for account in accounts)

    @rule(which=places, how=st.sampled_from(["settle", "settle", "release", "give up"]), part=parts, troubles=fates)
    def end(self, which: int, how: str, part: Decimal, troubles: list[str]) -> None:
        if not self.held:
            return
        self.troubles.kinds = troubles
        held = self.held.pop(which % len(self.held))
        usd = exact(held.most * {"settle": part, "release": Decimal(0), "give up": Decimal(1)}[how])
        self.costs.setdefault(held.reservation.id, (held.scopes, usd))  # unless the sweep has settled it before
        match how:
            case "settle":
                held.reservation.settle(usd)
            case "release":
                held.reservation.release()
            case _:
                held.reservation.give_up()

    @rule(process=processes, jobs=st.integers(1, 3), troubles=fates)
    def begin_or_end_batch(self, process: int, jobs: int, troubles: list[str]) -> None:
        self.troubles.kinds = troubles
        one = self.processes[process]
        if one.running.size:
            one.inside.close()
        else:
            one.inside.enter_context(one.running.of(jobs))

    @rule(process=processes)
    def crash(self, process: int) -> None:
        self.held = [held for held in self.held if held.process != process]
        dead = self.processes[process]
        dead.running._at_end.clear()  # the dead settle nothing
        dead.inside.close()
        self.processes[process] = self.new_process()

    def late_writes_arrive(self) -> None:
        while self.troubles.late:
            with suppress(ClientError):  # most have been overtaken
                self.troubles.late.pop()()

    @rule()
    def expire(self) -> None:
        """All leases lapse, those of processes that slept for so long among them."""
        self.late_writes_arrive()
        self.troubles.kinds = []
        self.now += timedelta(seconds=LONGER_THAN_A_LEASE_S)
        for lease in [lease for shard in range(SHARDS) for lease in self.store.lapsed(shard, self.now, 100)]:
            for holding in lease.holdings.values():
                self.costs[holding.name] = holding.scopes, holding.usd
        LapsedLeases(self.table, lambda _: None, lambda: self.now).settle(lambda: False)

    @rule(tenant=tenants, of_provider=st.booleans(), window=st.sampled_from(Window), usd=st.none() | amounts)
    def change_limit(self, tenant: int, of_provider: bool, window: Window, usd: Decimal | None) -> None:
        budget = self.budgets().get(self.scopes(tenant)[0 if of_provider else 1])
        if budget:
            self.store.set_limit(budget, window, Limit(2 * usd) if usd is not None else None, by_hand=True)

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.late_writes_arrive()
        self.now += timedelta(hours=hours)

    @invariant()
    def money_is_conserved(self) -> None:
        for budget in self.budgets().values():
            for account in budget.accounts.values():
                assert account.spent + budget.reserved + account.left == account.limit_usd
            assert budget.reserved >= 0

    def teardown(self) -> None:
        """Once all have ended, every call is spent at what it cost, in the one year that all of this took."""
        self.troubles.kinds = []
        for process in self.processes:
            process.inside.close()
        self.expire()
        for scope, budget in self.budgets().items():
            assert budget.reserved == 0
            cost = sum((usd for scopes, usd in self.costs.values() if scope in scopes), Decimal(0))
            assert budget.accounts[Window.YEARLY].spent == cost


def test_money_is_conserved_under_any_interleaving_of_processes_limits_windows_and_troubles(
    stage: Stage, troubles: Troubles
) -> None:
    run_state_machine_as_test(
        lambda: AnyInterleaving(stage.table, troubles),
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
