"""URLs that others gave, taken apart once: what was checked is what is called. Pure, and cheap to import."""

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple, NoReturn
from urllib.parse import SplitResult, quote, urlsplit

from backstay.outbound.addresses import Address
from backstay.outbound.refusal import AddressRefusedError, Reason

LONGEST_URL = 2_048

_DEFAULT_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class HostPort(NamedTuple):
    """One place to connect to; the host as `Target` spells it."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart."""

    scheme: str
    host: str
    """A name in ASCII and lower case without a dot at its end, or an address in its one usual spelling."""
    port: int
    path: str = field(repr=False)
    """With the query, encoded: the request's target. Kept out of logs, for it may hold secrets."""

    @property
    def pair(self) -> HostPort:
        """Host and port."""
        return HostPort(self.host, self.port)

    @property
    def origin(self) -> str:
        """What may be shown of the URL."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def address(self) -> Address | None:
        """The address that stands in place of a name, if any."""
        return _as_ipv6(self.host) if ":" in self.host else _as_ipv4(self.host)


def parse_url(url: str) -> Target:
    """Take a URL apart.

    Raises:
        AddressRefusedError: it is no http or https URL of a host, or written in a way that others may read otherwise.
    """
    if len(url) > LONGEST_URL:
        _refuse(f"the URL has {len(url)} characters; it may have {LONGEST_URL}")
    if any(character <= " " or character in "\\\x7f" for character in url):
        _refuse("the URL holds a blank, a control character or a backslash; percent-encode it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefusedError(Reason.MALFORMED, "the URL's host or port can't be read; correct them") from error
    if parts.scheme not in _DEFAULT_PORTS:
        _refuse("the URL must start with https://")
    if "@" in parts.netloc:
        _refuse("the URL holds user information before '@'; leave it out")
    if not parts.hostname:
        _refuse("the URL names no host; write https://host/path")
    host = _host(parts.hostname)
    return Target(parts.scheme, host, _DEFAULT_PORTS[parts.scheme] if port is None else port, _path(parts))


def _host(raw: str) -> str:
    if ":" in raw:
        address = _as_ipv6(raw)
        return str(address) if address else _refuse(f"{raw[:100]!r} is no IPv6 address")
    name = (raw if raw.isascii() else _to_ascii(raw)).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # inet_aton takes 127.1, 0x7f000001 and 017700000001 for addresses; nobody who means well writes them.
        quad = _as_ipv4(name)
        return str(quad) if quad else _refuse(f"{raw[:100]!r} is no IPv4 address of four decimal numbers")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse(f"{raw[:100]!r} is no host name")
    return name


def _to_ascii(name: str) -> str:
    import idna  # half a megabyte of tables, for the few names that need them

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressRefusedError(Reason.MALFORMED, f"{name[:100]!r} is no international host name") from error


def _as_ipv4(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def _as_ipv6(text: str) -> IPv6Address | None:
    try:
        return None if "%" in text else IPv6Address(text)
    except AddressValueError:
        return None


def _path(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return quote((parts.path or "/") + query, safe=_ASCII)


def _refuse(message: str) -> NoReturn:
    raise AddressRefusedError(Reason.MALFORMED, message)
