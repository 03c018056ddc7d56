"""The backstay.toml that the embedded cloud deploys: the repository's, with its providers pointed elsewhere."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from backstay import config
from backstay.config import CampaignSettings, Config, Kind, PriceSettings, ProviderSettings, Routes
from backstay.settings import SettingsError
from cli.local.alert_channels import alert_channels, alert_secrets
from cli.problems import ExitCode, Problem

PROVIDER_VARIABLE = "BACKSTAY_DEMO_PROVIDER"
_KEY_VARIABLES: Mapping[Kind, str] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "compatible": "OPENAI_API_KEY",
}
_MODELS = {"anthropic": "claude-haiku-5-5", "openai": "gpt-5.6-luna"}
_LOCAL_KEY = "answered-by-the-model-server"


@dataclass(frozen=True, slots=True)
class RealProvider:
    """A provider that the demo may spend money at, because somebody said so."""

    kind: Kind
    key: str
    model: str
    base_url: str | None

    @property
    def route(self) -> str:
        """Provider and model, as in backstay.toml's routes."""
        return f"{self.kind}/{self.model}"

    @property
    def is_on_this_machine(self) -> bool:
        """Whether it is a server of one's own, which asks for nothing."""
        return _is_on_this_machine(self.base_url)

    @classmethod
    def from_environment(cls, source: Mapping[str, str] = os.environ) -> "RealProvider | None":
        """What BACKSTAY_DEMO_PROVIDER asks for; None when it isn't set, whatever keys the environment holds.

        Raises:
            Problem: the variable names no provider, or the key, address or model that it needs is missing.
        """
        named = source.get(PROVIDER_VARIABLE)
        if not named:
            return None
        kind = next((kind for kind in _KEY_VARIABLES if kind == named), None)
        if kind is None:
            known = ", ".join(_KEY_VARIABLES)
            raise Problem(f"{PROVIDER_VARIABLE}={named} is not a provider", f"use one of {known}", ExitCode.USAGE)
        needed = [_KEY_VARIABLES[kind]] + (["OPENAI_BASE_URL", "OPENAI_MODEL"] if kind == "compatible" else [])
        if missing := [name for name in needed if not source.get(name)]:
            names = ", ".join(missing)
            raise Problem(f"{PROVIDER_VARIABLE}={kind} needs {names}", f"set {names}", ExitCode.USAGE)
        if kind == "compatible":
            return cls(kind, source["OPENAI_API_KEY"], source["OPENAI_MODEL"], source["OPENAI_BASE_URL"])
        return cls(kind, source[_KEY_VARIABLES[kind]], _MODELS[kind], None)


@dataclass(frozen=True, slots=True)
class Providers:
    """What the embedded cloud's functions get to know of providers: a configuration, and secrets by name."""

    config: Config
    secrets: Mapping[str, str]
    """Name in Secrets Manager without the stage's prefix → value."""

    @classmethod
    def on_model_server(cls, base: Config, llm_url: str, inbox: str) -> "Providers":
        """Every provider of the base answered by the model server on this machine."""
        here = {name: _on_model_server(provider, llm_url) for name, provider in base.providers.items()}
        secrets = {provider.secret: _LOCAL_KEY for provider in here.values() if provider.secret}
        return cls(_with_inbox(base.model_copy(update={"providers": here}), inbox), secrets | alert_secrets(inbox))

    @classmethod
    def at_real_provider(cls, base: Config, real: RealProvider, inbox: str) -> "Providers":
        """Only the provider that somebody asked for, and only its model."""
        secret = f"provider/{real.kind}"
        provider = ProviderSettings(kind=real.kind, secret=secret, base_url=real.base_url)
        routes = Routes(default=(real.route,))
        prices = {route: price for route, price in base.prices.items() if route == real.route}
        if real.is_on_this_machine:
            prices.setdefault(real.route, PriceSettings(input=Decimal(0), output=Decimal(0)))
        windows = {route: window for route, window in base.context_windows.items() if route == real.route}
        update = {"providers": {real.kind: provider}, "routes": routes, "prices": prices, "context_windows": windows}
        changed = base.model_copy(update=update)
        return cls(_with_inbox(changed, inbox), {secret: real.key} | alert_secrets(inbox))


def read_base(path: Path) -> Config:
    """The repository's backstay.toml.

    Raises:
        Problem: it is missing or wrong; names the key.
    """
    try:
        return config.read(path)
    except SettingsError as error:
        raise Problem(str(error), f"mend {path}", ExitCode.USAGE) from error


def _on_model_server(provider: ProviderSettings, llm_url: str) -> ProviderSettings:
    """The provider with its limits, in a protocol that the model server speaks. One that is here already stays."""
    if _is_on_this_machine(provider.base_url):
        return provider
    match provider.kind:
        case "anthropic":
            return provider.model_copy(update={"base_url": f"{llm_url}/anthropic"})
        case "azure" | "bedrock":
            kept = provider.model_dump(include={"timeout_s", "concurrency", "limits", "breaker"})
            return ProviderSettings(kind="compatible", base_url=f"{llm_url}/v1", **kept)
        case _:
            return provider.model_copy(update={"base_url": f"{llm_url}/v1"})


def _with_inbox(base: Config, inbox: str) -> Config:
    """With the receiver on this machine (host and port) let by outbound calls; campaigns and alerts come to it."""
    outbound = base.outbound.model_copy(update={"allow_private": (*base.outbound.allow_private, inbox)})
    campaigns = CampaignSettings(
        delivery_url=f"http://{inbox}/campaigns/deliver", cancel_url=f"http://{inbox}/campaigns/cancel"
    )
    alerts = base.alerts.model_copy(update={"channels": alert_channels(inbox)})
    return base.model_copy(update={"outbound": outbound, "campaigns": campaigns, "alerts": alerts})


def _is_on_this_machine(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
