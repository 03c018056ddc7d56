"""What call-http takes."""

import pytest
from pydantic import ValidationError

from backstay.errors import Rejected
from call_http.header_secrets import FRESH_S, HeaderSecrets
from call_http.models import HttpCall, SecretValue


def test_a_url_is_enough():
    wanted = HttpCall(url="https://api.example.com/")
    assert (wanted.method, wanted.timeout_s, wanted.expected_status, wanted.has_json) == ("GET", 10, (), False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://a.example/"),
        ("url", "https://user:pw@a.example/"),
        ("url", "api.example.com"),
        ("method", "TRACE"),
        ("timeout_s", 0.5),
        ("timeout_s", 61),
        ("expected_status", [99]),
        ("headers", {"Host": "b.example"}),
        ("headers", {"content-length": "3"}),
        ("headers", {"Proxy-Authorization": "x"}),
        ("headers", {"X Y": "x"}),
        ("headers", {"X": "a\r\nY: b"}),
        ("headers", {"x-a": "1", "X-A": "2"}),
        ("headers", {"X": {"secret": "../other"}}),
        ("headers", {"X": {"secret": "a/b/c"}}),
        ("headers", {"X": {"secret": "a", "value": "b"}}),
    ],
)
def test_what_can_not_be_sent_is_refused_where_it_is_submitted(field, value):
    with pytest.raises(ValidationError) as raised:
        HttpCall.model_validate({"url": "https://a.example/", field: value})
    assert raised.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize(
    "body", [{"json": {}, "text": ""}, {"method": "GET", "json": 1}, {"method": "HEAD", "text": ""}]
)
def test_bodies_that_go_with_nothing_are_refused(body):
    with pytest.raises(ValidationError):
        HttpCall.model_validate({"url": "https://a.example/", "method": "POST", **body})


def test_null_is_a_body_too():
    assert HttpCall.model_validate({"url": "https://a.example/", "method": "POST", "json": None}).has_json


class Vault:
    """Secrets, and how often they were read."""

    def __init__(self, **secrets: str) -> None:
        self.secrets, self.reads, self.now = secrets, 0, 0.0

    def read(self, name: str) -> str | None:
        self.reads += 1
        return self.secrets.get(name.removeprefix("outbound/"))

    def headers(self) -> HeaderSecrets:
        return HeaderSecrets(self.read, lambda: self.now)


def test_secrets_are_put_in_their_place_and_named_to_be_hidden():
    resolved = Vault(crm="s3cr3t").headers().resolve({"x-api-key": SecretValue(secret="crm"), "accept": "a/b"}, "acme")
    assert resolved.headers == {"X-Api-Key": "s3cr3t", "Accept": "a/b"}
    assert resolved.secrets == ("s3cr3t",)
    assert "s3cr3t" not in repr(resolved)


def test_a_secret_is_read_again_after_five_minutes():
    vault = Vault(crm="old")
    headers = vault.headers()
    for _ in range(3):
        headers.resolve({"x": SecretValue(secret="crm")}, "acme")
    assert vault.reads == 1
    vault.secrets["crm"] = "new"
    vault.now = FRESH_S
    assert headers.resolve({"x": SecretValue(secret="crm")}, "acme").secrets == ("new",)


def test_a_secret_of_a_tenant_serves_that_tenant_only():
    headers = Vault(**{"acme/crm": "s3cr3t"}).headers()
    assert headers.resolve({"x": SecretValue(secret="acme/crm")}, "acme").secrets == ("s3cr3t",)
    with pytest.raises(Rejected, match="belongs to tenant 'acme'"):
        headers.resolve({"x": SecretValue(secret="acme/crm")}, "umbrella")


def test_a_missing_secret_says_how_to_make_it_and_is_looked_for_again():
    vault = Vault()
    headers = vault.headers()
    with pytest.raises(Rejected, match="backstay secrets set outbound/crm"):
        headers.resolve({"x": SecretValue(secret="crm")}, "acme")
    vault.secrets["crm"] = "s3cr3t"
    assert headers.resolve({"x": SecretValue(secret="crm")}, "acme").secrets == ("s3cr3t",)


@pytest.mark.parametrize("value", ["a\nb", "schlüssel"])
def test_a_secret_that_no_header_can_carry_is_not_shown(value):
    with pytest.raises(Rejected, match="printable ASCII") as raised:
        Vault(crm=value).headers().resolve({"x": SecretValue(secret="crm")}, "acme")
    assert value not in str(raised.value)
