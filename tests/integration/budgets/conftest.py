"""Processes that share the budgets of one stage, and a table that can be made to fail as DynamoDB does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from backstay import aws
from backstay.budgets.batch import Batch
from backstay.budgets.budget import Budget
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger
from backstay.budgets.store import LedgerStore
from backstay.config import parse
from tests.integration.conftest import SettableClock

CALL = Decimal("0.10")


@dataclass
class Stage:
    """The ledger's table, and what its processes are told."""

    table: str
    clock: SettableClock
    toml: str = "[budgets.total]\ndaily = 1"

    def process(self, running: Batch | None = None) -> Ledger:
        """A new process."""
        return Ledger(parse(self.toml).budgets, self.table, self.clock, running or Batch(), patience_s=60)

    @property
    def store(self) -> LedgerStore:
        """What tests look at."""
        return LedgerStore(self.table)

    def budget(self, scope: str = "total") -> Budget:
        """As it stands. In every window, spent + reserved + left must be the limit."""
        budget = self.store.read([scope])[scope]
        for account in budget.accounts.values():
            assert account.spent + budget.reserved + account.left == account.limit_usd
        return budget


@dataclass
class Troubles:
    """What befalls the next transactions: `conflict`, `throttle`, `lost` (made, unanswered), `late` (not made yet)."""

    kinds: list[str] = field(default_factory=list)
    late: list[Callable[[], Any]] = field(default_factory=list)
    """Makes those that came late."""
    asked: int = 0


@pytest.fixture
def stage(cloud, clock) -> Stage:
    return Stage(cloud.guards_table, clock)


@pytest.fixture
def troubles(cloud, monkeypatch: pytest.MonkeyPatch) -> Troubles:
    client, troubles = aws.dynamodb_for_guards(), Troubles()
    transact = client.transact_write_items

    def troubled(**request: Any) -> Any:
        troubles.asked += 1
        match troubles.kinds.pop(0) if troubles.kinds else "":
            case "conflict":
                reasons = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
                raise _error("TransactionCanceledException", CancellationReasons=reasons)
            case "throttle":
                raise _error("ThrottlingException")
            case "lost":
                transact(**request)
                raise ReadTimeoutError(endpoint_url="x")
            case "late":
                troubles.late.append(lambda: transact(**request))
                raise ReadTimeoutError(endpoint_url="x")
            case "denied":
                raise _error("AccessDeniedException")
            case _:
                return transact(**request)

    monkeypatch.setattr(client, "transact_write_items", troubled)
    return troubles


def a_call(usd: Decimal | str = CALL, *scopes: str, job_id: str | None = None) -> Ask:
    """One that takes a minute at the longest."""
    return Ask(Decimal(usd), scopes or ("total", "tenant:acme"), 60, job_id)


def _error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, **more}, "TransactWriteItems")  # type: ignore[typeddict-unknown-key]
