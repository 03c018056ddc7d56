"""How demanding a prompt is, judged by its text alone, so that easy ones can go to cheaper models."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Tier(StrEnum):
    """A prompt's complexity, and the routes for it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_LONG = 1_000
_VERY_LONG = 2_000
_MANY_ANDS = 3
_HIGH_FROM = 3
_AND = re.compile(r"\band\b", re.IGNORECASE)
_DEMANDING = tuple(re.compile(rf"\b{word}", re.IGNORECASE) for word in (r"personali[sz]ation", r"dynamic", r"template"))


def complexity(prompt: str) -> Tier:
    """The tier of a prompt (spec: choosing a model). A very long one is never low."""
    signs = [
        len(prompt) > _LONG,
        len(_AND.findall(prompt)) > _MANY_ANDS,
        *(bool(word.search(prompt)) for word in _DEMANDING),
    ]
    if sum(signs) >= _HIGH_FROM:
        return Tier.HIGH
    return Tier.MEDIUM if any(signs) or len(prompt) > _VERY_LONG else Tier.LOW


@dataclass(frozen=True, slots=True)
class TieredRoutes:
    """What somebody says of routes: for all prompts, and for those of a tier."""

    default: Sequence[str] = ()
    tiers: Mapping[Tier, Sequence[str]] = field(default_factory=dict)


def choose_routes(prompt: str, *choices: TieredRoutes) -> Sequence[str]:
    """The routes that the first of the choices has for a prompt of this complexity, or for all."""
    tier = complexity(prompt)
    for choice in choices:
        if routes := choice.tiers.get(tier) or choice.default:
            return routes
    return ()
