"""Where calls may go: the rules for URLs and, once a name is resolved, for its addresses. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from backstay.outbound.addresses import LIFTABLE, Address, refusal_of
from backstay.outbound.refusal import AddressRefusedError, Reason
from backstay.outbound.urls import HostPort, Target, parse_url
from backstay.settings import SettingsError

if TYPE_CHECKING:
    from backstay.config import Outbound

_LOWEST_FREE_PORT = 1024
_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one kind of calls.

    Without arguments: https to any public host, on port 443 or one from 1024 up.
    """

    private: frozenset[HostPort] = frozenset()
    """Places that may be called although their address is private or loopback, and without TLS."""
    hosts: frozenset[str] | None = None
    """The only public hosts that may be called; None for any."""

    @classmethod
    def of(cls, allow_private: Iterable[str] = (), hosts: Iterable[str] | None = None) -> Self:
        """The rules from what backstay.toml lists: `host:port` pairs, and host names.

        Raises:
            SettingsError: names the entry that is none.
        """
        pairs = frozenset(_entry("allow_private", "http", pair).pair for pair in allow_private)
        return cls(pairs, None if hosts is None else frozenset(_entry("allow_hosts", "https", h).host for h in hosts))

    @classmethod
    def for_callbacks(cls, outbound: "Outbound") -> Self:
        """The rules of callbacks: any public host, and what a stage allows besides. `allow_hosts` bounds calls only.

        Raises:
            SettingsError: names the entry that is wrong.
        """
        return cls.of(outbound.allow_private)

    @classmethod
    def for_calls(cls, outbound: "Outbound") -> Self:
        """The rules of calls that jobs ask for: the hosts that backstay.toml lists, and no other.

        Raises:
            SettingsError: names the entry that is wrong.
        """
        return cls.of(outbound.allow_private, outbound.allow_hosts)

    def check_target(self, target: Target) -> None:
        """Judge what can be judged without resolving the name.

        Raises:
            AddressRefusedError: the target may not be called.
        """
        if target.pair in self.private:
            return
        if target.scheme != "https":
            raise AddressRefusedError(Reason.INSECURE, f"{target.origin} is not https; {_remedy(target)}")
        if target.port != _HTTPS_PORT and target.port < _LOWEST_FREE_PORT:
            message = f"{target.origin}: port {target.port} is none for https; use 443, or one from 1024 up"
            raise AddressRefusedError(Reason.MALFORMED, message)
        if self.hosts is not None and target.host not in self.hosts:
            message = f"{target.host} is not among the hosts that may be called; add it to [outbound] allow_hosts"
            raise AddressRefusedError(Reason.NOT_LISTED, message)
        if _is_localhost(target):
            raise AddressRefusedError(Reason.LOOPBACK, f"{target.origin} is this machine; {_remedy(target)}")
        if target.address is not None:
            self.check_addresses(target, (target.address,))

    def check_addresses(self, target: Target, addresses: Sequence[Address]) -> None:
        """Judge all addresses to which the target's name leads; a single wrong one is enough.

        Raises:
            AddressRefusedError: names the address, and why it may not be called.
        """
        for address in addresses:
            reason = refusal_of(address)
            if reason is None or (reason in LIFTABLE and target.pair in self.private):
                continue
            remedy = _remedy(target) if reason in LIFTABLE else "use a public host"
            raise AddressRefusedError(reason, f"{target.origin} leads to {address} ({reason}); {remedy}")


def leads_inside(url: str) -> bool:
    """Whether a URL names this machine or an address that nobody outside has, whatever else is wrong with it."""
    try:
        target = parse_url(url)
    except AddressRefusedError:
        return False
    return _is_localhost(target) or (target.address is not None and refusal_of(target.address) is not None)


def check_url_syntax(url: str, policy: Policy | None = None) -> None:
    """Judge a URL without resolving its name, for whoever takes it in; the sender judges again with its addresses.

    Raises:
        AddressRefusedError: the URL can't be one that may be called; the message is fit to be shown.
    """
    (policy or Policy()).check_target(parse_url(url))


def _is_localhost(target: Target) -> bool:
    return target.host == "localhost" or target.host.endswith(".localhost")


def _entry(key: str, scheme: str, text: str) -> Target:
    try:
        return parse_url(f"{scheme}://{text}")
    except AddressRefusedError as error:
        raise SettingsError(f"[outbound] {key} holds {text!r}, which can't be called: {error}") from error


def _remedy(target: Target) -> str:
    return f"use https and a public host, or list {target.origin.partition('://')[2]!r} in [outbound] allow_private"
