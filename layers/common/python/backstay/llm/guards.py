"""What stands before a call of a provider and may refuse it: its circuit breaker, and the seats of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from backstay.circuits import UNPAID, Circuits, provider_circuit
from backstay.errors import ErrorClass
from backstay.llm.decision import counts_for_breaker
from backstay.llm.errors import LLMError
from backstay.resilience.bulkhead import Bulkhead
from backstay.telemetry import logger

if TYPE_CHECKING:
    from backstay.config import Config


class Guards:
    """The guards of every provider; one object a process.

    Args:
        settings: backstay.toml.
        table: the guards table.
    """

    def __init__(self, settings: "Config", table: str) -> None:
        self._circuits = Circuits(settings, table)
        self._bulkheads = {name: Bulkhead(name, provider.concurrency) for name, provider in settings.providers.items()}

    @contextmanager
    def admitted(self, provider: str) -> Iterator[None]:
        """Make one call inside; what becomes of it is told to the provider's breaker.

        Raises:
            CircuitOpen: the provider is down, paused, or wants to be paid; says until when.
            BulkheadFull: as many calls of it as may run in this process are running.
        """
        circuit = provider_circuit(provider)
        admission = self._circuits.of_provider(provider).admit(circuit)
        try:
            with self._bulkheads[provider].seat():
                yield
        except LLMError as error:
            if counts_for_breaker(error.failure.error_class):
                admission.failed()
            elif error.failure.error_class is ErrorClass.PAYMENT:
                admission.abandoned()
                self._hold_for_payment(provider)
            raise
        else:
            admission.succeeded()
        finally:
            admission.abandoned()  # where nothing was told: the outcome says nothing about the provider

    def _hold_for_payment(self, provider: str) -> None:
        try:
            self._circuits.of_provider(provider).hold_open(provider_circuit(provider), None, UNPAID)
        except (ClientError, BotoCoreError):
            logger().warning("circuit could not be held open for payment", provider=provider, exc_info=True)
