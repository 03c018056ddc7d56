"""What backstay.toml says of alerts: `[alerts]`, with channels, escalation policies, and rules."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from backstay.provider_settings import Names, Section

ChannelKind = Literal["slack", "pagerduty", "email", "webhook"]
Severity = Literal["info", "warning", "critical", "emergency"]
Number = Annotated[Decimal, Field(strict=False)]

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_RULE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_KINDS = ("slack", "pagerduty", "email", "webhook")


class ChannelSettings(Section):
    """`[alerts.channels.<name>]`: where people are told."""

    kind: ChannelKind
    secret: Annotated[str, StringConstraints(pattern=r"^alerts/[A-Za-z0-9/_+=.@-]+$")] | None = None
    """The name of a secret: Slack's webhook URL, PagerDuty's routing key, or what signs a webhook (`whsec_…`)."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    """`webhook`: who gets it. `pagerduty`: where its events are taken, such as its European address."""
    sender: str | None = None
    """`email`: an address, or one of a domain, that SES has verified."""
    to: Names = ()
    """`email`: who gets it."""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "ChannelSettings":
        for key, remedy in _NEEDS[self.kind].items():
            if not getattr(self, key):
                raise ValueError(remedy)
        for key, kinds in _KEYS_OF_KINDS.items():
            if getattr(self, key) and self.kind not in kinds:
                raise ValueError(f"{key} is not for kind = {self.kind!r}, only for {' and '.join(kinds)}; remove it")
        for address in filter(None, (self.sender, *self.to)):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f'{address!r} is no address; write it as in "ops@example.com", without a name')
        return self


class EscalationStep(Section):
    """Whom to tell when an alert has been open, and nobody has acknowledged it, for so long."""

    after_minutes: int = Field(ge=0, le=10_080)
    channels: Names
    """Names of channels, or kinds: a kind that is no channel's name means every channel of the kind."""


class PolicySettings(Section):
    """`[alerts.policies.<name>]`: whom to tell of an alert, and when."""

    steps: Annotated[tuple[EscalationStep, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _goes_forward(self) -> "PolicySettings":
        minutes = [step.after_minutes for step in self.steps]
        if minutes != sorted(set(minutes)):
            raise ValueError(f"the steps come after {minutes} minutes; each must come later than the one before it")
        return self


class EventSettings(Section):
    """`event` of a team's own rule: events of the account's default bus that raise the alert."""

    source: Names
    detail_type: Names = ()
    detail: dict[str, Any] = Field(default_factory=dict)
    """As EventBridge's patterns have it."""


class RuleSettings(Section):
    """`[alerts.rules."<rule>"]`: a built-in rule adjusted, or one of the team's own, over a metric or an event."""

    enabled: bool = True
    severity: Severity | None = None
    policy: str | None = None
    """The escalation policy; without one, the first that fits of security, cost, critical and default."""
    threshold: Number | None = None
    """Of a built-in rule, in the unit that it names."""
    minutes: int | None = Field(default=None, ge=1, le=1440)
    """For how long it must be so."""
    text: str | None = None
    """What people are told, and what they should do."""
    metric: str | None = None
    namespace: str = "Backstay"
    dimensions: dict[str, str] = Field(default_factory=dict)
    statistic: Annotated[
        str, StringConstraints(pattern=r"^(Sum|Average|Minimum|Maximum|SampleCount|p\d\d?(\.\d+)?)$")
    ] = "Sum"
    above: Number | None = None
    below: Number | None = None
    event: EventSettings | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is the team's own, and not a built-in one adjusted."""
        return self.metric is not None or self.event is not None

    @model_validator(mode="after")
    def _watches_one_thing(self) -> "RuleSettings":
        if self.metric and self.event:
            raise ValueError("a rule watches a metric or an event; remove one, or make two rules")
        if self.metric and (self.above is None) == (self.below is None):
            raise ValueError("a rule over a metric needs a limit: add either above or below")
        if self.is_own and self.threshold is not None:
            raise ValueError("threshold is of built-in rules; a rule over a metric has above or below")
        fields = RuleSettings.model_fields
        stray = [
            key for key in _METRIC_KEYS if getattr(self, key) != fields[key].get_default(call_default_factory=True)
        ]
        if stray and not self.metric:
            raise ValueError(f"{', '.join(stray)}: only for a rule over a metric; add metric, or remove it")
        return self


class AlertSettings(Section):
    """`[alerts]`. Every policy but the four built-in ones has a name that rules choose it by."""

    page: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    """Where people look at an alert; `{id}` stands for its id. Without one, messages link to the API's own answer."""
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    policies: dict[str, PolicySettings]
    rules: dict[str, RuleSettings] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _has_the_usual_policies(cls, table: object) -> object:
        if not isinstance(table, dict):
            return table
        policies = table.get("policies", {})
        return table | {"policies": USUAL_POLICIES | policies} if isinstance(policies, dict) else table

    @model_validator(mode="after")
    def _names_are_in_order(self) -> "AlertSettings":
        for name, channel in self.channels.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"channels.{name}: a channel's name has a-z, 0-9, _ and -, and starts with a letter")
            if name in _KINDS and name != channel.kind:
                raise ValueError(f"channels.{name} is of kind {channel.kind!r}; give it another name, or that kind")
        for name in self.policies:
            if not _NAME.fullmatch(name):
                raise ValueError(f"policies.{name}: a policy's name has a-z, 0-9, _ and -, and starts with a letter")
        for name, rule in self.rules.items():
            if not _RULE.fullmatch(name):
                raise ValueError(f'rules.{name}: a rule is named "<category>.<name>", with a-z, 0-9 and _')
            if rule.policy and rule.policy not in self.policies:
                raise ValueError(
                    f"rules.{name}.policy is {rule.policy!r}, but there is no such policy; "
                    f"add [alerts.policies.{rule.policy}] or name one of {sorted(self.policies)}"
                )
        return self

    def channels_of(self, named: str) -> tuple[str, ...]:
        """The channels that a policy means by a name; none where nothing is configured by it."""
        if named in self.channels:
            return (named,)
        return tuple(name for name, channel in self.channels.items() if channel.kind == named)

    def policy_of(self, category: str, severity: Severity, own: str | None = None) -> str:
        """The name of the escalation policy of an alert.

        Args:
            category: the first word of its rule.
            severity: its own.
            own: the policy that its rule names.
        """
        if own:
            return own
        if category in ("security", "cost"):
            return category
        return "critical" if severity in ("critical", "emergency") else "default"

    def nowhere(self) -> Iterator[tuple[str, str]]:
        """Every policy, and a name in it, by which no channel is configured: it is passed over."""
        for policy, settings in self.policies.items():
            for named in dict.fromkeys(name for step in settings.steps for name in step.channels):
                if not self.channels_of(named):
                    yield policy, named


def _usual(*steps: tuple[int, tuple[str, ...]]) -> Mapping[str, Any]:
    return {"steps": [{"after_minutes": minutes, "channels": list(channels)} for minutes, channels in steps]}


USUAL_POLICIES: dict[str, Any] = {
    "default": _usual((0, ("slack",)), (5, ("pagerduty",)), (15, ("email",))),
    "critical": _usual((0, ("slack", "pagerduty")), (3, ("email",))),
    "security": _usual((0, ("slack", "pagerduty", "email"))),
    "cost": _usual((0, ("slack",)), (10, ("email",))),
}
_NEEDS: dict[ChannelKind, dict[str, str]] = {
    "slack": {"secret": 'its webhook URL is missing: add secret = "alerts/slack", the name of a secret'},
    "pagerduty": {"secret": 'its routing key is missing: add secret = "alerts/pagerduty", the name of a secret'},
    "email": {
        "sender": 'an email needs a sender: add sender = "backstay@example.com", which SES has verified',
        "to": 'an email needs somebody to go to: add to = ["ops@example.com"]',
    },
    "webhook": {
        "url": 'a webhook needs its address: add url = "https://…"',
        "secret": 'a webhook is signed: add secret = "alerts/…", the name of a secret that holds whsec_…',
    },
}
_KEYS_OF_KINDS: dict[str, tuple[ChannelKind, ...]] = {
    "secret": ("slack", "pagerduty", "webhook"),
    "url": ("webhook", "pagerduty"),
    "sender": ("email",),
    "to": ("email",),
}
_METRIC_KEYS = ("namespace", "dimensions", "statistic", "above", "below")
