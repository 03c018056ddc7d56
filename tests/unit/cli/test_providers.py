"""Where model calls go: to this machine, unless somebody says otherwise."""

import pytest

from backstay.config import dump, parse
from cli.local.providers import Providers, RealProvider
from cli.problems import Problem

BASE = parse("""
[providers.anthropic]
kind = "anthropic"
secret = "provider/anthropic"
[providers.openai]
kind = "openai"
secret = "provider/openai"
[routes]
default = ["anthropic/claude-haiku-5-5"]
[outbound]
allow_private = ["10.0.0.7:8080"]
""")


def test_keys_in_the_environment_are_ignored_unless_the_demo_is_told_a_provider() -> None:
    assert RealProvider.from_environment({"ANTHROPIC_API_KEY": "sk", "OPENAI_API_KEY": "sk"}) is None


def test_every_provider_is_answered_by_the_model_server() -> None:
    local = Providers.on_model_server(BASE, "http://127.0.0.1:5", "127.0.0.1:6")
    config = parse(dump(local.config))
    assert config.providers["anthropic"].base_url == "http://127.0.0.1:5/anthropic"
    assert config.providers["openai"].base_url == "http://127.0.0.1:5/v1"
    assert config.routes == BASE.routes
    assert config.outbound.allow_private == ("10.0.0.7:8080", "127.0.0.1:6")
    assert config.campaigns.delivery_url == "http://127.0.0.1:6/campaigns/deliver"
    assert {"provider/anthropic", "provider/openai"} <= set(local.secrets)


def test_every_kind_of_channel_arrives_on_this_machine_whatever_is_configured() -> None:
    base = parse('[alerts.channels.ours]\nkind = "slack"\nsecret = "alerts/ours"')
    local = Providers.on_model_server(base, "http://127.0.0.1:5", "127.0.0.1:6")
    channels = parse(dump(local.config)).alerts.channels
    assert {channel.kind for channel in channels.values()} == {"slack", "pagerduty", "webhook", "email"}
    assert "ours" not in channels
    assert {channel.secret for channel in channels.values() if channel.secret} <= set(local.secrets)
    assert local.secrets["alerts/slack"] == "http://127.0.0.1:6/alerts/slack"
    assert channels["pagerduty"].url == "http://127.0.0.1:6/alerts/pagerduty"


def test_a_real_provider_is_the_only_one_with_its_key_as_secret() -> None:
    real = RealProvider.from_environment({"BACKSTAY_DEMO_PROVIDER": "anthropic", "ANTHROPIC_API_KEY": "sk-1"})
    assert real is not None
    chosen = Providers.at_real_provider(BASE, real, "127.0.0.1:6")
    assert list(chosen.config.providers) == ["anthropic"]
    assert chosen.config.providers["anthropic"].base_url is None
    assert chosen.config.routes.default == ("anthropic/claude-haiku-5-5",)
    assert chosen.secrets["provider/anthropic"] == "sk-1"
    assert [name for name in chosen.secrets if not name.startswith("alerts/")] == ["provider/anthropic"]
    assert parse(dump(chosen.config)) == chosen.config


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"BACKSTAY_DEMO_PROVIDER": "bedrock"}, "bedrock"),
        ({"BACKSTAY_DEMO_PROVIDER": "anthropic"}, "ANTHROPIC_API_KEY"),
        ({"BACKSTAY_DEMO_PROVIDER": "openai"}, "OPENAI_API_KEY"),
        ({"BACKSTAY_DEMO_PROVIDER": "compatible", "OPENAI_API_KEY": "k"}, "OPENAI_BASE_URL, OPENAI_MODEL"),
    ],
)
def test_what_a_provider_lacks_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(Problem, match=named):
        RealProvider.from_environment(environment)
