"""GET /api/config: what was set, and nothing that is secret."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backstay.config import load
from tests.integration.api.conftest import Client

CANARY = "c4n4ry"
TOML = f"""
log_level = "WARNING"
cors_origins = ["https://ops.example.com"]
[providers.house]
kind = "compatible"
secret = "provider/{CANARY}"
base_url = "https://user:{CANARY}@models.example.com/{CANARY}?key={CANARY}"
[routes]
default = ["house/tiny"]
[prices."house/tiny"]
input = 1
output = 2
[rates.slack]
message = 0.0001
[chats]
system_prompt = "{CANARY}"
fallback_text = "{CANARY}"
[outbound]
allow_hosts = ["models.example.com"]
[campaigns]
delivery_url = "https://models.example.com/{CANARY}"
cancel_url = "https://models.example.com/{CANARY}"
headers = {{ Authorization = "Bearer {CANARY}", X-Key = {{ secret = "outbound/{CANARY}" }} }}
[alerts]
page = "https://ops.example.com/{CANARY}/{{id}}"
[alerts.channels.team]
kind = "webhook"
url = "https://hooks.example.com/{CANARY}"
secret = "alerts/{CANARY}"
[alerts.channels.mail]
kind = "email"
sender = "{CANARY}@example.com"
to = ["{CANARY}@example.com"]
"""


@pytest.fixture(autouse=True)
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "backstay.toml"
    file.write_text(TOML)
    monkeypatch.setenv("BACKSTAY_CONFIG", str(file))
    monkeypatch.setenv("PROVIDER_KEY", CANARY)
    load.cache_clear()
    yield
    load.cache_clear()


def test_what_was_set_is_shown(client: Callable[..., Client]) -> None:
    answer = client("*", "read")("GET", "/api/config")

    assert answer.status == 200, answer.text
    shown = answer.json
    assert (shown["stage"], shown["log_level"]) == ("test", "WARNING")
    assert shown["cors_origins"] == ["https://ops.example.com"]
    assert shown["providers"]["house"]["host"] == "models.example.com"
    assert shown["providers"]["house"]["has_key"] is True
    assert shown["prices"]["house/tiny"]["output"] == "2"
    assert shown["rates"] == {"slack": {"message": "0.0001"}}
    assert shown["channels"] == {"team": "webhook", "mail": "email"}
    assert shown["rules"]["worker.queue_depth"]["threshold"] == "1000"


@pytest.mark.parametrize("path", ["/api/config", "/api/integrations", "/api/overview", "/api/workers", "/metrics"])
def test_nothing_secret_is_shown_anywhere(client: Callable[..., Client], path: str) -> None:
    answer = client("*", "read")("GET", path)

    assert answer.status == 200, answer.text
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", ["/api/config", "/api/integrations"])
def test_a_key_of_one_tenant_is_refused(client: Callable[..., Client], path: str) -> None:
    assert client("newsroom", "read")("GET", path).status == 403


def test_whatever_the_house_talks_to_is_listed(client: Callable[..., Client]) -> None:
    answer = client("*", "read")("GET", "/api/integrations")

    listed = {(one["name"], one["kind"]) for one in answer.json["integrations"]}
    assert {
        ("house", "model provider"),
        ("models.example.com", "host"),
        ("slack", "priced provider"),
        ("team", "alert channel"),
    } <= listed
