"""The circuits of a deployment: one a provider, one a host that may be called. Their names, their breakers, by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError
from backstay.outbound.policy import Policy
from backstay.resilience.breaker import BreakerStats, CircuitBreaker
from backstay.resilience.circuit import BreakerSettings

if TYPE_CHECKING:
    from backstay.config import Config

PAUSED = "paused by hand"
"""Why a circuit is held open of a provider that somebody paused."""

UNPAID = "its credit is used up"
"""Why a circuit is held open of a provider that wants to be paid; a credit check may close it."""

_PROVIDER, _HOST = "provider:", "host:"


class UnknownCircuitError(BackstayError):
    """No provider and no host has a circuit of this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no circuit {name[:100]!r}; the circuits are {', '.join(known) or 'none'}")


class Circuits:
    """All circuits that backstay.toml gives rise to; none is ever searched for. One object a process.

    Args:
        settings: backstay.toml.
        table: the guards table.
        clock: UTC.
    """

    def __init__(self, settings: "Config", table: str, clock: Clock = utc_now) -> None:
        self._providers = {
            provider_circuit(name): CircuitBreaker(
                table, BreakerSettings(**provider.breaker.model_dump()), names=[provider_circuit(name)], clock=clock
            )
            for name, provider in settings.providers.items()
        }
        policy = Policy.for_calls(settings.outbound)
        hosts = sorted((policy.hosts or frozenset()) | {pair.host for pair in policy.private})
        self.of_hosts = CircuitBreaker(table, names=[host_circuit(host) for host in hosts], clock=clock)
        """Guards every host, also one that is on no list."""
        self.names = (*self._providers, *map(host_circuit, hosts))
        self._all = CircuitBreaker(table, names=self.names, clock=clock)

    def of_provider(self, name: str) -> CircuitBreaker:
        """The breaker that guards a provider, to be asked for `provider_circuit(name)`.

        Raises:
            UnknownCircuitError: backstay.toml has no such provider.
        """
        circuit = provider_circuit(name)
        if circuit not in self._providers:
            raise UnknownCircuitError(circuit, self.names)
        return self._providers[circuit]

    def list(self) -> tuple[BreakerStats, ...]:
        """How all of them stand now, in one read."""
        return tuple(replace(stats, settings=self._breaker(stats.name).settings) for stats in self._all.list())

    def stats(self, name: str) -> BreakerStats:
        """How one stands now. A provider's name will do for its circuit's.

        Raises:
            UnknownCircuitError: lists the names that there are.
        """
        name = self._full(name)
        return self._breaker(name).stats(name)

    def reset(self, name: str) -> BreakerStats:
        """Close it, with nothing counted, whoever holds it open; answers how it stands then. A provider's name will do.

        Raises:
            UnknownCircuitError: lists the names that there are.
        """
        name = self._full(name)
        breaker = self._breaker(name)
        breaker.reset(name)
        return breaker.stats(name)

    def pause(self, provider: str) -> BreakerStats:
        """Make no call of a provider until somebody resumes it; answers how its circuit stands then.

        Raises:
            UnknownCircuitError: backstay.toml has no such provider.
        """
        breaker = self.of_provider(provider)
        breaker.hold_open(provider_circuit(provider), None, PAUSED)
        return breaker.stats(provider_circuit(provider))

    def resume(self, provider: str) -> BreakerStats:
        """Go on with a provider that is paused; nothing happens to one that isn't.

        Raises:
            UnknownCircuitError: backstay.toml has no such provider.
        """
        return self._release(provider, PAUSED, "resumed by hand")

    def credit_is_back(self, provider: str) -> BreakerStats:
        """Go on with a provider whose circuit is held open for used-up credit; nothing happens to any other.

        Raises:
            UnknownCircuitError: backstay.toml has no such provider.
        """
        return self._release(provider, UNPAID, "its credit is back")

    def _release(self, provider: str, held: str, reason: str) -> BreakerStats:
        breaker, name = self.of_provider(provider), provider_circuit(provider)
        if breaker.stats(name).held == held:
            breaker.reset(name, reason)
        return breaker.stats(name)

    def _full(self, name: str) -> str:
        found = next((known for known in (name, provider_circuit(name)) if known in self.names), None)
        if found is None:
            raise UnknownCircuitError(name, self.names)
        return found

    def _breaker(self, name: str) -> CircuitBreaker:
        return self._providers.get(name, self.of_hosts)


def provider_circuit(name: str) -> str:
    """The name of a provider's circuit."""
    return _PROVIDER + name


def host_circuit(host: str) -> str:
    """The name of a host's circuit."""
    return _HOST + host
