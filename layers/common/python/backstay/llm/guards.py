"""What stands before a call of a provider and may refuse it: its breaker, its limits, and the seats of this process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from backstay.circuits import UNPAID, Circuits, provider_circuit
from backstay.errors import ErrorClass
from backstay.llm.decision import counts_for_breaker
from backstay.llm.errors import LLMError
from backstay.llm.request import Usage
from backstay.rates import provider_rate
from backstay.resilience.breaker import Admission
from backstay.resilience.bulkhead import Bulkhead, BulkheadFull
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
    priority: Priority = "normal"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Leave to make one call."""

    _permit: Permit | None

    def took(self, usage: Usage) -> None:
        """Tell what it took in the end; the rest of what was set aside is free for others."""
        if self._permit:
            self._permit.settle(usage.input_tokens + usage.output_tokens)


class Guards:
    """The guards of every provider; one object a process.

    Args:
        settings: backstay.toml.
        table: the guards table.
    """

    def __init__(self, settings: "Config", table: str) -> None:
        self._circuits = Circuits(settings, table)
        self._rates = {name: provider_rate(name, of.limits, table) for name, of in settings.providers.items()}
        self._bulkheads = {name: Bulkhead(name, of.concurrency) for name, of in settings.providers.items()}

    @contextmanager
    def admitted(self, asking: Asking) -> Iterator[Admitted]:
        """Make one call inside; what becomes of it is told to the provider's breaker.

        Raises:
            CircuitOpen: the provider is down, paused, or wants to be paid; says until when.
            AskedToRest: it has told some caller when it wants to be asked for this model again.
            RateExceeded: the call would pass the provider's limits; says when it will not.
            TooLarge: it would pass them whenever it is made.
            BulkheadFull: as many calls of it as may run in this process are running.
        """
        breaker = self._circuits.of_provider(asking.provider)
        admission = breaker.admit(provider_circuit(asking.provider), asking.model)
        try:
            with self._seat(asking) as admitted, self._telling(asking, admission):
                yield admitted
        finally:
            admission.abandoned()  # where nothing was told: the outcome says nothing about the provider

    @contextmanager
    def _seat(self, asking: Asking) -> Iterator[Admitted]:
        """A permit first: what is refused by the rate needs no seat, and what finds no seat gives its permit back."""
        rate = self._rates[asking.provider]
        permit = rate.take(asking.most_tokens, asking.priority) if rate else None
        with ExitStack() as seated:
            try:
                seated.enter_context(self._bulkheads[asking.provider].seat())
            except BulkheadFull:
                if permit:
                    permit.abandon()
                raise
            yield Admitted(permit)

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
