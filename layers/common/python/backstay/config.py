"""backstay.toml: providers, routes, prices, and what else a deployment chooses. Read by functions and at synth."""

import functools
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from backstay.alert_settings import AlertSettings
from backstay.budget_settings import BudgetsSettings
from backstay.provider_settings import BreakerSettings, Kind, LimitSettings, Names, ProviderSettings, Section
from backstay.settings import SettingsError

__all__ = [
    "FILE_NAME",
    "AlertSettings",
    "BreakerSettings",
    "BudgetsSettings",
    "CampaignSettings",
    "ChatSettings",
    "Config",
    "CreditSettings",
    "JobsSettings",
    "Kind",
    "LimitSettings",
    "Outbound",
    "PriceSettings",
    "ProviderSettings",
    "Routes",
    "TierRoutes",
    "TracingSettings",
    "dump",
    "find",
    "load",
    "parse",
    "read",
]

FILE_NAME = "backstay.toml"

Price = Annotated[Decimal, Field(strict=False, ge=0)]

Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\[\]:-]+$")]
"""Scheme, host and port, without a path."""

_PROVIDER_NAME = re.compile(r"[a-z][a-z0-9-]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_HTTP_URL = re.compile(r"https?://[^\s/?#]+[^\s]*")
_HOST_AND_PORT = re.compile(r"[^\s:/]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


class TierRoutes(Section):
    """`[routes.tiers]`: where calls of a complexity go, in order; a tier without routes takes the default ones."""

    low: Names = ()
    medium: Names = ()
    high: Names = ()


class Routes(Section):
    """`[routes]`: where calls go that name no routes of their own, in order."""

    default: Names = ()
    tiers: TierRoutes = Field(default_factory=TierRoutes)


class PriceSettings(Section):
    """`[prices."<provider>/<model>"]` in US dollars per million tokens; wins over genai-prices."""

    input: Price
    output: Price
    cached_input: Price | None = None
    """Input tokens that the provider read from its cache; by default the price of input."""
    cache_write: Price | None = None
    """Input tokens that it wrote into its cache; by default the price of input."""
    cache_write_1h: Price | None = None
    """Of these, those that it keeps for an hour; by default the price of the others."""
    batch_share: Price = Decimal("0.5")
    """What a call in a batch costs of all that."""


Operations = dict[str, Price]
"""US dollars for one unit, by operation."""


class JobsSettings(Section):
    """`[jobs]`: how long jobs are kept."""

    keep_completed_days: int = Field(default=7, ge=1, le=3650)
    keep_failed_days: int = Field(default=30, ge=1, le=3650)
    keep_steps_days: int = Field(default=60, ge=1, le=3650)
    """Jobs of sagas' steps, however they ended: later steps of a run, which may wait for people, read their results."""


class ChatSettings(Section):
    """`[chats]`: what bots do that say nothing else, and how long conversations are kept."""

    system_prompt: str = "You answer customers of a company, briefly and kindly. If you don't know, say so."
    fallback_text: str = ""
    """What is answered where no model can be had; without one, such a message's job fails."""
    keep_days: int = Field(default=90, ge=1, le=3650)


class CreditSettings(Section):
    """`[credits]`: when the hourly check of providers' credit tells of it, in US dollars."""

    warn_below_usd: Price = Decimal(5)
    critical_below_usd: Price = Decimal(1)
    warn_above_usd_a_day: Price = Decimal(1)
    """Spent since midnight, UTC."""


class TracingSettings(Section):
    """`[tracing]`: which jobs are followed from the request to the callback."""

    sample: Annotated[Decimal, Field(strict=False, ge=0, le=1)] = Decimal("0.001")
    """The part of the jobs that is traced unasked, besides those whose callers ask for it. With 0 none is."""
    xray: bool = True
    """Whether traces go to X-Ray, $5 a million of them, or stand in the log alone."""


class CampaignSettings(Section):
    """`[campaigns]`: who sends what campaigns have drafted. The hosts must be let by `[outbound]` too."""

    delivery_url: str = ""
    """Gets each campaign by POST; where it is empty, a campaign ends with its drafts."""
    cancel_url: str = ""
    """Gets by POST which campaign must not be sent after all."""
    headers: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    """Of calls to both, as call-http takes them: a text, or a secret's name below `outbound/`."""

    @model_validator(mode="after")
    def _can_be_cancelled(self) -> "CampaignSettings":
        if bool(self.delivery_url) != bool(self.cancel_url):
            raise ValueError("delivery_url and cancel_url need each other: what was delivered must be undone")
        for url in (self.delivery_url, self.cancel_url):
            if url and not _HTTP_URL.fullmatch(url):
                raise ValueError(f"{url!r} is no http or https URL")
        return self


class Outbound(Section):
    """`[outbound]`: where webhooks and call-http may go."""

    allow_private: Names = ()
    """Exact host:port pairs that may be called although their address is private."""
    allow_hosts: Names = ()
    """The public hosts that call-http may call; none, unless they stand here. Callbacks may go to any public host."""

    @model_validator(mode="after")
    def _names_exact_pairs(self) -> "Outbound":
        for pair in self.allow_private:
            if not _HOST_AND_PORT.fullmatch(pair):
                raise ValueError(f'allow_private holds {pair!r}; write host:port, such as "10.0.0.7:8080"')
        return self


class Config(Section):
    """All of backstay.toml. Every section may be left out."""

    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    routes: Routes = Field(default_factory=Routes)
    prices: dict[str, PriceSettings] = Field(default_factory=dict)
    rates: dict[str, Operations] = Field(default_factory=dict)
    """`[rates.<provider>]`: what operations cost of providers that have no models, such as `sms_us = 0.0075`."""
    context_windows: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """`"<provider>/<model>" = tokens`, for models that genai-prices doesn't know; wins over it."""
    jobs: JobsSettings = Field(default_factory=JobsSettings)
    outbound: Outbound = Field(default_factory=Outbound)
    chats: ChatSettings = Field(default_factory=ChatSettings)
    credits: CreditSettings = Field(default_factory=CreditSettings)
    budgets: BudgetsSettings = Field(default_factory=lambda: BudgetsSettings.model_validate({}))
    campaigns: CampaignSettings = Field(default_factory=CampaignSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    alerts: AlertSettings = Field(default_factory=lambda: AlertSettings.model_validate({}))
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What functions write into their logs: this and worse. Metrics are written at any."""
    cors_origins: Annotated[tuple[Origin, ...], Field(strict=False)] = ()
    """Pages of other origins that browsers let call the API, such as `https://ops.example.com`; by default none."""

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> "Config":
        for key, names in (("providers", self.providers), ("rates", self.rates)):
            for name in names:
                if not _PROVIDER_NAME.fullmatch(name):
                    raise ValueError(
                        f"{key}.{name}: a provider's name has a-z, 0-9 and hyphen, and starts with a letter"
                    )
        tiers = {f"routes.tiers.{tier}": routes for tier, routes in self.routes.tiers}
        named = {"routes.default": self.routes.default, "prices": self.prices, "context_windows": self.context_windows}
        for key, routes in {**named, **tiers}.items():
            self.check_routes(key, routes)
        return self

    def check_routes(self, key: str, routes: Iterable[str]) -> None:
        """See to it that routes can be followed.

        Args:
            key: what holds them, for the message.
            routes: each should be `<provider>/<model>`.

        Raises:
            ValueError: names the first that is no route, or whose provider does not exist.
        """
        for route in routes:
            provider, slash, model = route.partition("/")
            if not (provider and slash and model):
                raise ValueError(f'{key} holds {route!r}; write "<provider>/<model>"')
            if provider not in self.providers:
                raise ValueError(
                    f"{key} holds {route!r}, but there is no provider {provider!r}; "
                    f"add [providers.{provider}] or name one of {sorted(self.providers)}"
                )


def parse(text: str, source: str = FILE_NAME) -> Config:
    """The configuration that a TOML text holds.

    Raises:
        SettingsError: names every key that is wrong, its value and the remedy.
    """
    try:
        return Config.model_validate(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is no TOML: {error}") from error
    except ValidationError as error:
        complaints = "\n".join(f"  {_complaint(dict(detail))}" for detail in error.errors(include_url=False))
        raise SettingsError(f"{source} has errors:\n{complaints}") from error


def read(path: Path) -> Config:
    """The configuration in a file.

    Raises:
        SettingsError: the file can't be read, or its contents are wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read ({error}); point BACKSTAY_CONFIG at a backstay.toml") from error
    return parse(text, str(path))


@functools.cache
def load() -> Config:
    """This process's configuration, parsed on first use.

    Raises:
        SettingsError: the file can't be read, or its contents are wrong.
    """
    return read(find())


def find() -> Path:
    """The file named by BACKSTAY_CONFIG, else the one that the layer carries, else the repository's."""
    if named := os.environ.get("BACKSTAY_CONFIG"):
        return Path(named)
    carried = Path(__file__).with_name(FILE_NAME)
    return carried if carried.exists() else Path(__file__).parents[4] / FILE_NAME


def dump(config: Config) -> str:
    """TOML that `parse` turns into the same configuration; how the embedded cloud deploys a changed one."""
    return "\n".join(_tables(config.model_dump(exclude_none=True))) + "\n"


def _tables(table: Mapping[str, Any], path: str = "") -> list[str]:
    lines = [f"{_key(key)} = {_toml(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    if path and (lines or not table):  # an empty table may say something too: no limits
        lines = [f"[{path}]", *lines]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _tables(value, f"{path}.{_key(key)}" if path else key)
    return lines


def _toml(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_toml(entry)}' for key, entry in value.items())} }}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _key(text: str) -> str:
    return text if _BARE_KEY.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """A JSON string is TOML's too, but for surrogate pairs and DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _complaint(detail: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return f"{key} is unknown; {_nearest(detail['loc'])}"
        case "missing":
            return f"{key} is missing; add it"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}".removeprefix(": ")
        case _:
            return f"{key} = {_toml(detail['input'])} won't do: {detail['msg']}"


def _nearest(location: tuple[int | str, ...]) -> str:
    import difflib

    known = _keys_beside(location)
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"remove it, or use one of {known}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys of the table in which the last key of a location stands."""
    here: type[BaseModel] = Config
    for key in location[:-1]:
        if field := here.model_fields.get(str(key)):  # else it is a name that somebody chose, such as a provider's
            holds = get_args(field.annotation) or (field.annotation,)
            here = next((one for one in holds if isinstance(one, type) and issubclass(one, BaseModel)), here)
    return sorted(here.model_fields)
