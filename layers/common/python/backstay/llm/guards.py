"""What stands before a call and may refuse it: its provider's breaker and limits, its budgets, seats."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from backstay.budgets.ledger import Ask, Ledger, Reservation
from backstay.circuits import UNPAID, Circuits, provider_circuit
from backstay.errors import ErrorClass, WorkError
from backstay.llm.decision import counts_for_breaker
from backstay.llm.errors import LLMError
from backstay.llm.request import Usage
from backstay.rates import provider_rate
from backstay.resilience.breaker import Admission
from backstay.resilience.bulkhead import Bulkhead
from backstay.resilience.fleet_bulkhead import FleetBulkhead
from backstay.resilience.permits import Permit
from backstay.resilience.window import Priority
from backstay.telemetry import logger

if TYPE_CHECKING:
    from backstay.config import Config


@dataclass(frozen=True, slots=True)
class Asking:
    """What the guards want to know of a call."""

    provider: str
    model: str
    most_tokens: int
    """That it can take, in and out."""
    lasts_s: float
    """It ends within so many seconds."""
    priority: Priority = "normal"
    money: Ask | None = None
    """The most that it can cost, and who pays. None where it costs nothing."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Leave to make one call."""

    _permit: Permit | None
    _reservation: Reservation | None

    @property
    def reservation(self) -> str:
        """The name of what is reserved for it, or nothing."""
        return self._reservation.id if self._reservation else ""

    def took(self, usage: Usage, cost_usd: Decimal | None) -> None:
        """Tell what it took in the end; the rest of what was set aside is free for others."""
        if self._permit:
            self._permit.settle(usage.input_tokens + usage.output_tokens)
        if self._reservation and cost_usd is not None:
            tokens = usage.input_tokens + usage.output_tokens
            self._reservation.settle(cost_usd, requests=1, tokens=tokens)


class Guards:
    """The guards of every provider; one object a process.

    Args:
        settings: backstay.toml.
        table: the guards table.
    """

    def __init__(self, settings: "Config", table: str) -> None:
        self._circuits = Circuits(settings, table)
        self._rates = {name: provider_rate(name, of.limits, table) for name, of in settings.providers.items()}
        self._ledger = Ledger(settings.budgets, table)
        self._bulkheads = {name: Bulkhead(name, of.concurrency) for name, of in settings.providers.items()}
        self._fleet_bulkheads = {
            name: FleetBulkhead(name, of.limits.concurrency, table)
            for name, of in settings.providers.items()
            if of.limits.concurrency
        }

    @contextmanager
    def admitted(self, asking: Asking) -> Iterator[Admitted]:
        """Make one call inside; what becomes of it is told to the provider's breaker.

        Raises:
            CircuitOpen: the provider is down, paused, or wants to be paid; says until when.
            AskedToRest: it has told some caller when it wants to be asked for this model again.
            RateExceeded: the call would pass the provider's limits; says when it will not.
            TooLarge: it would pass them whenever it is made.
            BudgetExceeded: it would pass a hard limit of money; says which, and until when.
            BudgetHeld: calls under way hold what is left of a budget.
            WorkError: budgets can't be read or written.
            BulkheadFull: as many calls of it as may run in this process are running.
            FleetBulkheadFull: as many as may run in the fleet are.
        """
        breaker = self._circuits.of_provider(asking.provider)
        admission = breaker.admit(provider_circuit(asking.provider), asking.model)
        try:
            with self._seat(asking) as admitted, self._telling(asking, admission):
                yield admitted
        finally:
            admission.abandoned()  # where nothing was told: the outcome says nothing about the provider

    @contextmanager
    def paid(self, money: Ask) -> Iterator[Admitted]:
        """Make one call inside that nothing but money may hold back, since a person wants to know how a provider is.

        Raises:
            BudgetExceeded, BudgetHeld, WorkError: as `admitted`.
        """
        with self._reserved(money) if money.amounts else nullcontext() as reservation:
            yield Admitted(None, reservation)

    @contextmanager
    def _seat(self, asking: Asking) -> Iterator[Admitted]:
        """A permit first, then money, then a seat; what is refused by one gives back what it had of those before it."""
        rate = self._rates[asking.provider]
        permit = rate.take(asking.most_tokens, asking.priority) if rate else None
        with ExitStack() as seated:
            try:
                reservation = seated.enter_context(self._reserved(asking.money)) if asking.money else None
                seated.enter_context(self._bulkheads[asking.provider].seat())
                if fleet := self._fleet_bulkheads.get(asking.provider):
                    seated.enter_context(fleet.seat(asking.lasts_s))
            except WorkError:
                if permit:
                    permit.abandon()
                raise
            yield Admitted(permit, reservation)

    @contextmanager
    def _reserved(self, money: Ask) -> Iterator[Reservation]:
        """Money for one call, which is given back where the call was not made or surely not charged."""
        reservation = self._ledger.reserve(money)
        try:
            yield reservation
        except LLMError as error:
            if not error.maybe_charged:
                reservation.release()
            raise
        except WorkError:
            reservation.release()
            raise
        finally:
            reservation.give_up()  # where nothing was told: it may have been charged

    @contextmanager
    def _telling(self, asking: Asking, admission: Admission) -> Iterator[None]:
        try:
            yield
        except LLMError as error:
            if (wait_s := error.failure.retry_after_s) is not None:
                admission.asked_to_rest(asking.model, wait_s)
            if counts_for_breaker(error.failure.error_class):
                admission.failed()
            elif error.failure.error_class is ErrorClass.PAYMENT:
                admission.abandoned()
                self._hold_for_payment(asking.provider)
            raise
        else:
            admission.succeeded()

    def _hold_for_payment(self, provider: str) -> None:
        try:
            self._circuits.of_provider(provider).hold_open(provider_circuit(provider), None, UNPAID)
        except (ClientError, BotoCoreError):
            logger().warning("circuit could not be held open for payment", provider=provider, exc_info=True)
