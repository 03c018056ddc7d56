"""What calls cost by our account, against what they cost by the providers' price lists, over answers of every shape.

An answer goes through the provider's real module as its API sends it; what it costs stands beside it, worked out by
hand.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from backstay import config
from backstay.config import Config, ProviderSettings
from backstay.llm.prices import price
from backstay.llm.providers import open_provider
from backstay.llm.request import Message, Request, Usage
from bench.figures import Figure, Part
from bench.run import Run

NAMES = ("cost_fixture_error_usd",)

_FOLDER = Path(__file__).with_name("usage")
_TOML = """
[providers.anthropic]
kind = "anthropic"
secret = "s"
[providers.openai]
kind = "openai"
secret = "s"
[providers.azure]
kind = "azure"
secret = "s"
base_url = "https://house.test"
api_version = "2025-04-01-preview"
[providers.openrouter]
kind = "openrouter"
secret = "s"
[providers.bedrock]
kind = "bedrock"
secret = "s"
regions = ["eu-central-1"]
"""
_MESSAGE = {"id": "m", "type": "message", "role": "assistant", "stop_reason": "end_turn"}
_CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
_COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "choices": [_CHOICE]}
_CONVERSE = {"output": {"message": {"content": [{"text": "Hi"}]}}, "stopReason": "end_turn"}
_AROUND: Mapping[str, Mapping[str, Any]] = {
    "anthropic": {**_MESSAGE, "content": [{"type": "text", "text": "Hi"}]},
    "bedrock": _CONVERSE,
}
"""What stands around the usage in an answer; else a chat completion."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer, and what it costs."""

    provider: str
    name: str
    model: str
    answer: Mapping[str, Any]
    """What tells of usage in the provider's answer."""
    how: Mapping[str, tuple[int, Decimal]]
    """Tokens and their list price in US dollars per million, by kind; empty where the provider tells its charge."""
    share: Decimal
    """Of the list price, for the class of service."""
    service: str | None
    """Where the answer doesn't tell the class of service."""
    usd: Decimal

    @property
    def worked_out_usd(self) -> Decimal:
        """The sum that `how` stands for."""
        return sum((tokens * usd for tokens, usd in self.how.values()), Decimal(0)) * self.share / 1_000_000


def cases() -> Iterator[Case]:
    """All that lie in the folder, by provider."""
    for path in sorted(_FOLDER.glob("*.json")):
        for found in json.loads(path.read_text(encoding="utf-8")):
            how = {kind: (tokens, Decimal(usd)) for kind, (tokens, usd) in found["how"].items()}
            share, usd = Decimal(found.get("share", "1")), Decimal(found["usd"])
            answer, service = found["answer"], found.get("service")
            yield Case(path.stem, found["name"], found["model"], answer, how, share, service, usd)


def usage_of(case: Case, settings: ProviderSettings) -> Usage:
    """The tokens of an answer as the provider's own module reads them."""
    document = {"model": case.model, **_AROUND.get(case.provider, _COMPLETION), **case.answer}
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _request: httpx2.Response(200, json=document)))
    provider = open_provider(case.provider, settings, "a key", http)
    usage = provider.ask(Request((Message("user", "Hello"),)), case.model, 10).usage
    return dataclasses.replace(usage, service=case.service) if case.service else usage


def error_usd(case: Case, settings: Config) -> Decimal:
    """By how much our price is off.

    Raises:
        LookupError: we have none.
    """
    usage = usage_of(case, settings.providers[case.provider])
    ours, _ = price(settings, case.provider, case.model, usage)
    if ours is None:
        raise LookupError(f"{case.provider}/{case.model} has no price")
    return abs(ours - case.usd)


def settings() -> Config:
    """A backstay.toml with the five providers."""
    return config.parse(_TOML)


def measure(run: Run) -> list[Figure]:
    """Price every answer."""
    known = settings()
    errors: dict[str, list[Decimal]] = {}
    with run.progress("usage shapes", 1) as step:
        for case in cases():
            errors.setdefault(case.provider, []).append(error_usd(case, known))
        step()
    return [
        Figure(
            "cost_fixture_error_usd", float(sum(sum(found) for found in errors.values())), "USD",
            "By how much our prices of answers are off the providers' lists, summed up.", at_most=0.0,
            parts=tuple(
                Part(name, float(sum(found)), f"{len(found)} answers") for name, found in sorted(errors.items())
            ),
            note="Cache writes for 5 minutes and an hour, cache reads, reasoning, batches, other classes of service, "
            "long contexts.",
        ),
    ]  # fmt: skip
