"""backstay.toml: what it may hold, and what is said of what it may not."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay import config
from backstay.alert_settings import Severity
from backstay.config import Config, PriceSettings, ProviderSettings, Routes
from backstay.settings import SettingsError

WHOLE = """
[providers.anthropic]
kind = "anthropic"
secret = "provider/anthropic"
[providers.house]
kind = "compatible"
base_url = "http://127.0.0.1:11434/v1"
timeout_s = 30
[routes]
default = ["anthropic/claude-haiku-5-5", "house/meta/llama-3.1:8b"]
[prices."house/meta/llama-3.1:8b"]
input = 0.1
output = 1
[providers.anthropic.limits]
[providers.azure]
kind = "azure"
secret = "provider/azure"
base_url = "https://us.openai.azure.com"
api_version = "2025-04-01-preview"
[providers.azure.deployments]
"gpt-5.6-luna" = "luna of the west"
[providers.bedrock]
kind = "bedrock"
regions = ["eu-central-1", "eu-west-1"]
[providers.bedrock.breaker]
failure_threshold = 2
[routes.tiers]
high = ["bedrock/eu.anthropic.claude-opus-5-5"]
[context_windows]
"house/meta/llama-3.1:8b" = 8192
[jobs]
keep_completed_days = 1
[outbound]
allow_private = ["127.0.0.1:9999", "[::1]:80"]
[alerts.channels.oncall]
kind = "pagerduty"
secret = "alerts/pagerduty"
[alerts.channels.email]
kind = "email"
sender = "backstay@example.com"
to = ["ops@example.com"]
[alerts.policies.default]
steps = [{ after_minutes = 0, channels = ["oncall"] }, { after_minutes = 5, channels = ["email"] }]
[alerts.rules."worker.queue_depth"]
threshold = 500
[alerts.rules."acme.slow_import"]
metric = "ImportSeconds"
dimensions = { Task = "import" }
statistic = "p95"
above = 30
[alerts.rules."acme.import_failed"]
event = { source = ["acme.imports"], detail = { state = [{ anything-but = ["ok", 1, true] }] } }
"""


def test_the_file_of_the_repository_is_in_order() -> None:
    shipped = config.read(Path(__file__).parents[2] / "backstay.toml")
    assert shipped.routes.default[0] == "anthropic/claude-haiku-5-5"


def test_anthropic_s_limits_are_those_of_its_first_tier_until_others_are_given() -> None:
    anthropic = '[providers.a]\nkind = "anthropic"\nsecret = "s"\n'
    assert config.parse(anthropic).providers["a"].limits.requests_per_minute == 100
    assert config.parse(anthropic + "[providers.a.limits]").providers["a"].limits.requests_per_minute is None


def test_an_empty_file_is_in_order() -> None:
    assert config.parse("") == Config()
    assert config.parse("").jobs.keep_failed_days == 30


def test_a_price_is_read_to_the_last_digit() -> None:
    assert config.parse(WHOLE).prices["house/meta/llama-3.1:8b"].input == Decimal("0.1")


def test_what_is_dumped_is_parsed_as_the_same() -> None:
    assert config.parse(config.dump(config.parse(WHOLE))) == config.parse(WHOLE)


@given(
    model=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1),
    price=st.decimals(min_value=0, max_value=1000, places=6),
)
def test_anything_dumped_is_parsed_as_the_same(model: str, price: Decimal) -> None:
    made = Config(
        providers={"a": ProviderSettings(kind="openai", secret="s")},
        routes=Routes(default=(f"a/{model}",)),
        prices={f"a/{model}": PriceSettings(input=price, output=price)},
    )
    assert config.parse(config.dump(made)) == made


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[provider.a]", "provider is unknown; did you mean 'providers'?"),
        ("[jobs]\nkeep_faild_days = 3", "jobs.keep_faild_days is unknown; did you mean 'keep_failed_days'?"),
        ("[outbound]\nzzz = 1", "remove it, or use one of ['allow_hosts', 'allow_private']"),
        ('[providers.a]\nkind = "openia"\nsecret = "s"', 'providers.a.kind = "openia" won\'t do: Input should be'),
        ('[providers.a]\nsecret = "s"', "providers.a.kind is missing; add it"),
        ('[providers.a]\nkind = "openai"', "providers.a: its API key is missing: add secret ="),
        ('[providers.a]\nkind = "compatible"', "a compatible provider needs its address: add base_url ="),
        ('[providers.a]\nkind = "openai"\nsecret = "s"\ntimeout_s = "9"', 'providers.a.timeout_s = "9" won\'t do'),
        ('[providers.a]\nkind = "openai"\nsecret = "s"\nbase_url = "x"', 'providers.a.base_url = "x" won\'t do'),
        ('[providers.a]\nkind = "azure"\nsecret = "s"', "an Azure provider needs its endpoint: add base_url ="),
        (
            '[providers.a]\nkind = "azure"\nsecret = "s"\nbase_url = "https://x"',
            "an Azure provider needs the version of its API: add api_version =",
        ),
        ('[providers.a]\nkind = "bedrock"', "a Bedrock provider needs its regions, in order: add regions ="),
        ('[providers.a]\nkind = "openrouter"', "providers.a: its API key is missing"),
        ('[providers.a]\nkind = "openai"\nsecret = "s"\nregions = ["x"]', "regions is for kind = 'bedrock' only"),
        (
            '[providers.a]\nkind = "openai"\nsecret = "s"\n[providers.a.limits]\nrequests_a_minute = 3',
            "providers.a.limits.requests_a_minute is unknown; did you mean 'requests_per_minute'?",
        ),
        ('[providers.a]\nkind = "openai"\nsecrets = "s"', "providers.a.secrets is unknown; did you mean 'secret'?"),
        ('[routes.tiers]\nhuge = ["a/b"]', "routes.tiers.huge is unknown; remove it, or use one of ['high'"),
        ('[routes.tiers]\nhigh = ["a/b"]', "routes.tiers.high holds 'a/b', but there is no provider 'a'"),
        ('[context_windows]\n"a/b" = 9', "context_windows holds 'a/b', but there is no provider 'a'"),
        ('[providers.A]\nkind = "openai"\nsecret = "s"', "providers.A: a provider's name has a-z"),
        ('[routes]\ndefault = ["gpt"]', "routes.default holds 'gpt'; write \"<provider>/<model>\""),
        ('[routes]\ndefault = ["a/b"]', "there is no provider 'a'; add [providers.a]"),
        ('[prices."a/b"]\ninput = 1\noutput = 1', "prices holds 'a/b', but there is no provider 'a'"),
        ("[prices.x]\ninput = -1", "prices.x.input = -1 won't do"),
        ("[jobs]\nkeep_completed_days = 0.5", "jobs.keep_completed_days = 0.5 won't do"),
        ('[campaigns]\ndelivery_url = "https://x.test/"', "delivery_url and cancel_url need each other"),
        ('[campaigns]\ndelivery_url = "x.test"\ncancel_url = "x.test"', "'x.test' is no http or https URL"),
        ('[outbound]\nallow_private = ["10.0.0.7"]', "allow_private holds '10.0.0.7'; write host:port"),
        ('[alerts.channels.ops]\nkind = "slack"', "alerts.channels.ops: its webhook URL is missing: add secret ="),
        ('[alerts.channels.ops]\nkind = "slack"\nsecret = "x/y"', 'alerts.channels.ops.secret = "x/y" won\'t do'),
        (
            '[alerts.channels.ops]\nkind = "slack"\nsecret = "alerts/a"\nto = ["a@b.test"]',
            "to is not for kind = 'slack', only for email",
        ),
        ('[alerts.channels.e]\nkind = "email"\nsender = "A <a@b.test>"\nto = ["a@b.test"]', "is no address"),
        (
            '[alerts.channels.slack]\nkind = "pagerduty"\nsecret = "alerts/a"',
            "channels.slack is of kind 'pagerduty'; give it another name",
        ),
        (
            "[alerts.policies.own]\n" + "[[alerts.policies.own.steps]]\nafter_minutes = 5\nchannels = []\n" * 2,
            "alerts.policies.own: the steps come after [5, 5] minutes",
        ),
        (
            "[alerts.policies.own]\nsteps = [{ after_minute = 5, channels = [] }]",
            "alerts.policies.own.steps.0.after_minute is unknown; did you mean 'after_minutes'?",
        ),
        ('[alerts.rules."a.b"]\npolicy = "mine"', "there is no such policy; add [alerts.policies.mine]"),
        ("[alerts.rules.b]\nthreshold = 1", "alerts: rules.b: a rule is named"),
        ('[alerts.rules."a.b"]\nmetric = "M"', "alerts.rules.a.b: a rule over a metric needs a limit"),
        ('[alerts.rules."a.b"]\nabove = 3', "above: only for a rule over a metric"),
        (
            '[alerts.rules."a.b".event]\nsources = ["x"]',
            "alerts.rules.a.b.event.sources is unknown; did you mean 'source'?",
        ),
        ("[jobs", "is no TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_key_and_the_remedy(toml: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        config.parse(toml)
    assert complaint in str(caught.value)


def test_a_policy_means_a_channel_by_its_name_and_else_every_channel_of_a_kind() -> None:
    alerts = config.parse(WHOLE).alerts
    assert alerts.channels_of("oncall") == ("oncall",)
    assert alerts.channels_of("pagerduty") == ("oncall",)
    assert alerts.channels_of("slack") == ()


def test_channels_that_policies_name_and_nobody_configured_are_listed() -> None:
    assert ("critical", "slack") in set(config.parse(WHOLE).alerts.nowhere())
    assert not [policy for policy, _ in config.parse(WHOLE).alerts.nowhere() if policy == "default"]


def test_a_policy_of_the_file_takes_the_place_of_the_built_in_one_and_leaves_the_others() -> None:
    policies = config.parse(WHOLE).alerts.policies
    assert [step.channels for step in policies["default"].steps] == [("oncall",), ("email",)]
    assert [step.after_minutes for step in policies["critical"].steps] == [0, 3]


@pytest.mark.parametrize(
    ("category", "severity", "own", "policy"),
    [
        ("worker", "warning", None, "default"),
        ("worker", "critical", None, "critical"),
        ("cost", "emergency", None, "cost"),
        ("security", "critical", None, "security"),
        ("security", "critical", "mine", "mine"),
    ],
)
def test_the_policy_is_the_rule_s_own_else_the_first_that_fits(
    category: str, severity: Severity, own: str | None, policy: str
) -> None:
    assert config.parse("").alerts.policy_of(category, severity, own) == policy


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        config.parse("[jobs]\nkeep_completed_days = 0\nkeep_failed_days = 0")
    assert str(caught.value).count("won't do") == 2


def test_a_file_that_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml can't be read"):
        config.read(tmp_path / "nowhere.toml")


def test_the_environment_may_name_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKSTAY_CONFIG", str(tmp_path / "other.toml"))
    assert config.find() == tmp_path / "other.toml"
    monkeypatch.delenv("BACKSTAY_CONFIG")
    assert config.find().name == "backstay.toml"
    assert config.find().exists()
