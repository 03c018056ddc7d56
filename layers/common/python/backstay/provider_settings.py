"""What backstay.toml says of one provider: `[providers.<name>]`, and which of its keys go with which kind."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Names = Annotated[tuple[str, ...], Field(strict=False)]  # TOML has arrays, no tuples
Kind = Literal["anthropic", "openai", "openrouter", "azure", "bedrock", "compatible"]


class Section(BaseModel):
    """A table of backstay.toml: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class LimitSettings(Section):
    """`[providers.<name>.limits]`: what all functions together may ask of a provider. Without a number, no limit."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)
    concurrency: int | None = Field(default=None, ge=1)
    """Calls at once."""


class BreakerSettings(Section):
    """`[providers.<name>.breaker]`: when calls to a provider that fails are stopped, and for how long."""

    failure_threshold: int = Field(default=5, ge=1)
    """Consecutive failures, of all functions together."""
    reset_timeout_s: int = Field(default=60, ge=1, le=86_400)
    """Seconds until a call is let through to probe."""
    half_open_max_attempts: int = Field(default=1, ge=1)


class ProviderSettings(Section):
    """Who answers calls. Routes name it as `<name>/<model>`."""

    kind: Kind
    """The protocol it speaks."""
    secret: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@-]+$")] | None = None
    """The name of the secret that is the API key, without the stage's prefix; optional for `compatible`, `bedrock`."""
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    """Where it is; by default the provider's own address. For `bedrock`, `{region}` stands for the region's name."""
    timeout_s: int = Field(default=120, ge=1, le=840)
    """The longest that one call may take, in seconds."""
    concurrency: int = Field(default=10, ge=1)
    """Calls at once in one process."""
    limits: LimitSettings = Field(default_factory=LimitSettings)
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
    api_version: str | None = None
    """`azure`: the version of its API, such as 2025-04-01-preview."""
    deployments: dict[str, str] = Field(default_factory=dict)
    """`azure`: model → the name that it was deployed under, where that differs."""
    regions: Names = ()
    """`bedrock`: in this order; the next one is asked where one is overloaded or can't be reached."""
    referer: str | None = None
    """`openrouter`: your site, sent as HTTP-Referer."""
    title: str | None = None
    """`openrouter`: your application's name, sent as X-Title."""

    @model_validator(mode="before")
    @classmethod
    def _has_its_kind_s_limits(cls, table: object) -> object:
        """Anthropic's lowest tier is known; who has a higher one says so."""
        if isinstance(table, dict) and table.get("kind") == "anthropic" and "limits" not in table:
            return table | {"limits": _ANTHROPIC_LIMITS}
        return table

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "ProviderSettings":
        for key, remedy in _NEEDS[self.kind].items():
            if not getattr(self, key):
                raise ValueError(remedy)
        for key, kind in _KEYS_OF_ONE_KIND.items():
            if getattr(self, key) and kind != self.kind:
                raise ValueError(f"{key} is for kind = {kind!r} only; remove it, or is the kind {self.kind!r} wrong?")
        return self


_ANTHROPIC_LIMITS = {"requests_per_minute": 100, "tokens_per_minute": 60_000, "requests_per_day": 10_000}
_SECRET = {"secret": 'its API key is missing: add secret = "provider/…", the name of a secret'}
_NEEDS: dict[Kind, dict[str, str]] = {
    "anthropic": _SECRET,
    "openai": _SECRET,
    "openrouter": _SECRET,
    "azure": _SECRET
    | {
        "base_url": 'an Azure provider needs its endpoint: add base_url = "https://<resource>.openai.azure.com"',
        "api_version": 'an Azure provider needs the version of its API: add api_version = "2025-04-01-preview"',
    },
    "bedrock": {"regions": 'a Bedrock provider needs its regions, in order: add regions = ["eu-central-1", "…"]'},
    "compatible": {"base_url": 'a compatible provider needs its address: add base_url = "https://…/v1"'},
}
_KEYS_OF_ONE_KIND: dict[str, Kind] = {
    "api_version": "azure",
    "deployments": "azure",
    "regions": "bedrock",
    "referer": "openrouter",
    "title": "openrouter",
}
