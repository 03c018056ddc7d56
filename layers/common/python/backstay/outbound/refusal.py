"""The error of everything that may not be called."""

from enum import StrEnum

from backstay.errors import ErrorClass, WorkError


class Reason(StrEnum):
    """Why a URL or an address is refused."""

    MALFORMED = "malformed"
    INSECURE = "insecure"
    """Not https."""
    NOT_LISTED = "not_listed"
    """There is a list of hosts, and this one is not on it."""
    LOOPBACK = "loopback"
    PRIVATE = "private"
    LINK_LOCAL = "link_local"
    METADATA = "metadata"
    MULTICAST = "multicast"
    UNSPECIFIED = "unspecified"
    RESERVED = "reserved"
    """For documentation, benchmarks, tunnels, or not given out at all."""


class AddressRefusedError(WorkError):
    """A URL that may not be called; no retry can help. The message holds neither path, query nor user information."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(ErrorClass.ADDRESS_REFUSED, message)
        self.reason = reason
