"""Whether an IP address may be called. Pure; of its own, since Python's `is_global` changed between versions."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from backstay.outbound.refusal import Reason

Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

LIFTABLE = frozenset({Reason.LOOPBACK, Reason.PRIVATE})
"""What a stage may allow for an exact host and port; the rest is refused whatever is configured."""

# IANA's registries of special-purpose addresses, as of November 2026; the first that fits names the reason.
_REFUSED: tuple[tuple[Reason, tuple[str, ...]], ...] = (
    (Reason.METADATA, ("169.254.169.254/32", "169.254.170.2/32", "100.100.100.200/32", "168.63.129.16/32")),
    (Reason.METADATA, ("fd00:ec2::/32",)),
    (Reason.UNSPECIFIED, ("0.0.0.0/8", "::/128")),
    (Reason.LOOPBACK, ("127.0.0.0/8", "::1/128")),
    (Reason.PRIVATE, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")),
    (Reason.LINK_LOCAL, ("169.254.0.0/16", "fe80::/10")),
    (Reason.MULTICAST, ("224.0.0.0/4", "ff00::/8")),
    (Reason.RESERVED, ("192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")),
    (Reason.RESERVED, ("192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "240.0.0.0/4")),
    (Reason.RESERVED, ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20", "5f00::/16")),
)
_TABLE: tuple[tuple[_Network, Reason], ...] = tuple(
    (ip_network(network), reason) for reason, networks in _REFUSED for network in networks
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")


def refusal_of(address: Address) -> Reason | None:
    """Why an address may not be called, or None where it may. An IPv4 address inside an IPv6 one decides for it."""
    if isinstance(address, IPv6Address):
        if (inner := _embedded(address)) is not None:
            return refusal_of(inner)
        if address.scope_id is not None:
            return Reason.LINK_LOCAL
    for network, reason in _TABLE:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return Reason.RESERVED
    return None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address to which a mapped, translated (NAT64) or tunnelled (6to4) IPv6 address leads."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    return None
