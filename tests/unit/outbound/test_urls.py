"""URLs: what may be asked for before any name is resolved."""

import string
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config import Outbound
from backstay.outbound.policy import Policy, check_url_syntax
from backstay.outbound.refusal import AddressRefusedError, Reason
from backstay.outbound.urls import parse_url
from backstay.settings import SettingsError

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a/b?c=d",
        "https://hooks.example.com:8443",
        "HTTPS://HOOKS.EXAMPLE.COM./",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
        "https://bücher.example/",
    ],
)
def test_https_to_a_public_host_is_fine(url: str) -> None:
    check_url_syntax(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://127.1/",
        "https://127.0.0.01/",
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://127\u30020\u30020\u30021/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://\u24dbocalhost/",
        "https://a.localhost/",
        "https://[::1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
    ],
)
def test_no_spelling_of_a_private_address_passes(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        check_url_syntax(url)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://hooks.example.com/", "use https"),
        ("ftp://hooks.example.com/", "must start with https://"),
        ("hooks.example.com/", "must start with https://"),
        ("https:///path", "names no host"),
        ("https://hooks.example.com:0/", "use 443, or one from 1024 up"),
        ("https://hooks.example.com:25/", "use 443, or one from 1024 up"),
        ("https://hooks.example.com:65536/", "correct them"),
        ("https://hooks.example.com:4x/", "correct them"),
        ("https://user@hooks.example.com/", "leave it out"),
        ("https://hooks.example.com\\@evil.example/", "percent-encode it"),
        ("https://hooks.example.com/a b", "percent-encode it"),
        ("https://hooks.example.com/a\r\nHost: evil", "percent-encode it"),
        ("https://hooks%2eexample.com/", "no host name"),
        ("https://a..example.com/", "no host name"),
        ("https://[::1/", "correct them"),
        ("https://hooks.example.com/" + "a" * 2_048, "it may have 2048"),
    ],
)
def test_a_refused_url_says_what_to_do(url: str, remedy: str) -> None:
    with pytest.raises(AddressRefusedError, match=remedy):
        check_url_syntax(url)


@pytest.mark.parametrize(
    "url",
    [
        f"http://hooks.example.com/{SECRET}?key={SECRET}",
        f"https://user:{SECRET}@hooks.example.com/{SECRET}",
        f"https://127.0.0.1/{SECRET}?key={SECRET}",
        f"https://hooks.example.com:bad/{SECRET}",
    ],
)
def test_a_refusal_repeats_nothing_secret(url: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        check_url_syntax(url)
    assert SECRET not in str(refused.value)


def test_a_target_does_not_show_its_path() -> None:
    assert SECRET not in repr(parse_url(f"https://hooks.example.com/{SECRET}?key={SECRET}"))


@given(st.text(alphabet=string.printable + "üß。①%@\\[]:/?#", max_size=40))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://h.example/{text}"):
        try:
            target = parse_url(url)
        except AddressRefusedError:
            continue
        assert target.path.startswith("/")
        assert all("!" <= character <= "~" for character in target.host + target.path)
        assert parse_url(target.origin).pair == target.pair


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_only_taken_in_four_decimal_numbers(address: IPv4Address) -> None:
    assert parse_url(f"https://{address}/").address == address
    number = int(address)
    for spelling in (str(number), hex(number), f"0{number:o}", f"{number >> 24}.{number & 0xFF_FFFF}"):
        with pytest.raises(AddressRefusedError):
            parse_url(f"https://{spelling}/")


def test_a_listed_place_may_be_private_and_without_tls_at_that_port_only() -> None:
    policy = Policy.of(["127.0.0.1:9999", "[::1]:9999", "receiver.internal:80"])
    for url in ("http://127.0.0.1:9999/", "https://[0::1]:9999/", "http://Receiver.Internal/"):
        check_url_syntax(url, policy)
    for url in ("http://127.0.0.1:9998/", "http://127.0.0.2:9999/", "http://localhost:9999/", "http://[::1]/"):
        with pytest.raises(AddressRefusedError):
            check_url_syntax(url, policy)


def test_the_metadata_service_cannot_be_listed() -> None:
    policy = Policy.of(["169.254.169.254:80", "metadata.internal:80"])
    target = parse_url("http://metadata.internal/")
    policy.check_target(target)
    address = parse_url("http://169.254.169.254/").address
    assert address is not None
    with pytest.raises(AddressRefusedError, match="use a public host") as refused:
        policy.check_addresses(target, [address])
    assert refused.value.reason is Reason.METADATA


def test_with_a_list_of_hosts_only_those_may_be_called() -> None:
    policy = Policy.of(hosts=["API.example.com"])
    check_url_syntax("https://api.example.com/", policy)
    with pytest.raises(AddressRefusedError, match="allow_hosts") as refused:
        check_url_syntax("https://other.example.com/", policy)
    assert refused.value.reason is Reason.NOT_LISTED


def test_callbacks_may_go_to_any_public_host_whatever_calls_are_bound_to() -> None:
    policy = Policy.for_callbacks(Outbound(allow_private=("127.0.0.1:9999",), allow_hosts=("api.example.com",)))
    check_url_syntax("https://other.example.com/", policy)
    check_url_syntax("http://127.0.0.1:9999/", policy)


def test_a_wrong_entry_of_the_configuration_is_named() -> None:
    with pytest.raises(SettingsError, match=r"allow_private holds '10\.0\.0\.7:99999'"):
        Policy.of(["10.0.0.7:99999"])
