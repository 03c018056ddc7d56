"""From a name to its addresses, within a time: the system's resolver knows no timeout of ours."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from backstay.errors import ErrorClass, WorkError
from backstay.outbound.addresses import Address

Resolver = Callable[[str, int, float], tuple[Address, ...]]
"""Takes host, port and seconds; answers all addresses, in the order in which to try them."""


class UnreachableError(WorkError):
    """The other side could not be reached or did not answer in time; a later try may."""

    def __init__(self, message: str, *, maybe_heard: bool = False) -> None:
        super().__init__(ErrorClass.UNREACHABLE, message)
        self.maybe_heard = maybe_heard
        """Whether it was connected to, so that it may have done what it was asked."""


def resolve(host: str, port: int, seconds: float) -> tuple[Address, ...]:
    """All addresses of a host, as the system's resolver knows them.

    Raises:
        UnreachableError: the name has no address, or the resolver took too long.
    """
    resolver = ThreadPoolExecutor(max_workers=1, thread_name_prefix="resolve")
    try:
        asked = resolver.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = asked.result(timeout=seconds)
    except socket.gaierror as error:
        raise UnreachableError(f"{host} can't be resolved: {error.strerror}") from error
    except TimeoutError as error:
        raise UnreachableError(f"{host} was not resolved within {seconds:.1f} s") from error
    finally:
        resolver.shutdown(wait=False)  # a resolver that hangs keeps its thread, not its caller
    return tuple(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))
