"""Which addresses may be called, against what Python's ipaddress and IANA's registries say of them."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.outbound.addresses import Address, refusal_of
from backstay.outbound.refusal import Reason

IPV4 = st.ip_addresses(v=4)
IPV6 = st.ip_addresses(v=6)  # hypothesis prefers those of the special-purpose registries


@given(st.one_of(IPV4, IPV6))
def test_what_python_calls_special_is_refused(address: Address) -> None:
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )
    mapped_to_public = isinstance(address, IPv6Address) and refusal_of(address) is None and _inner(address) is not None
    assert not special or mapped_to_public or refusal_of(address) is not None


@given(IPV4)
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_as_itself(address: IPv4Address) -> None:
    expected = refusal_of(address)
    assert {refusal_of(carrier) for carrier in _carriers(address)} == {expected}


@given(IPV6)
def test_an_ipv6_address_outside_global_unicast_is_refused(address: IPv6Address) -> None:
    if int(address) >> 125 != 0b001 and _inner(address) is None:
        assert refusal_of(address) is not None


@given(st.integers(1, 223), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_a_public_ipv4_address_may_be_called(a: int, b: int, c: int, d: int) -> None:
    address = IPv4Address(f"{a}.{b}.{c}.{d}")
    if address.is_global and refusal_of(address) is not None:
        assert refusal_of(address) in {Reason.RESERVED, Reason.METADATA}  # stricter than Python in a few small networks


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("127.0.0.1", Reason.LOOPBACK),
        ("127.255.255.254", Reason.LOOPBACK),
        ("::1", Reason.LOOPBACK),
        ("0.0.0.0", Reason.UNSPECIFIED),
        ("::", Reason.UNSPECIFIED),
        ("10.0.0.1", Reason.PRIVATE),
        ("172.16.0.1", Reason.PRIVATE),
        ("172.31.255.255", Reason.PRIVATE),
        ("192.168.1.1", Reason.PRIVATE),
        ("100.64.0.1", Reason.PRIVATE),
        ("fd12:3456::1", Reason.PRIVATE),
        ("169.254.1.1", Reason.LINK_LOCAL),
        ("fe80::1", Reason.LINK_LOCAL),
        ("2606:4700::1%eth0", Reason.LINK_LOCAL),
        ("169.254.169.254", Reason.METADATA),
        ("169.254.170.2", Reason.METADATA),
        ("fd00:ec2::254", Reason.METADATA),
        ("168.63.129.16", Reason.METADATA),
        ("224.0.0.1", Reason.MULTICAST),
        ("ff02::1", Reason.MULTICAST),
        ("255.255.255.255", Reason.RESERVED),
        ("192.0.2.1", Reason.RESERVED),
        ("198.18.0.1", Reason.RESERVED),
        ("2001:db8::1", Reason.RESERVED),
        ("2001:0:4136:e378::1", Reason.RESERVED),  # Teredo
        ("fec0::1", Reason.RESERVED),
        ("::127.0.0.1", Reason.RESERVED),
        ("64:ff9b:1::1", Reason.RESERVED),
        ("::ffff:169.254.169.254", Reason.METADATA),
        ("64:ff9b::a9fe:a9fe", Reason.METADATA),
        ("2002:a9fe:a9fe::1", Reason.METADATA),
    ],
)
def test_each_kind_of_address_is_refused_for_its_reason(text: str, reason: Reason) -> None:
    assert refusal_of(ip_address(text)) is reason


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_may_be_called(text: str) -> None:
    assert refusal_of(ip_address(text)) is None


def _carriers(address: IPv4Address) -> tuple[IPv6Address, ...]:
    number = int(address)
    return (
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
    )


def _inner(address: IPv6Address) -> IPv4Address | None:
    if int(address) >> 32 == int(IPv6Address("64:ff9b::")) >> 32:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
