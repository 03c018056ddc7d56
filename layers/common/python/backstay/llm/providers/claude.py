"""What Anthropic's models accept, whoever serves them."""

import re
from dataclasses import dataclass

_MODEL = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d+)(?:-(?P<minor>\d{1,2}))?(?!\d)")


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model accepts, by Anthropic's pages on thinking and on each model (November 2026)."""

    temperature: bool
    forced_tool: bool
    """Else it is held to a schema by its structured output."""
    thinking_off: str | None
    """What to send so that no output tokens go into thinking first; None where nothing needs be sent or would help."""


def traits_of(model: str) -> Traits:
    """What a model accepts; one that we have never heard of is taken to be like the newest."""
    found = _MODEL.match(model)
    if not found:
        early = model.startswith(("claude-2", "claude-3", "claude-instant"))
        return Traits(temperature=early, forced_tool=early, thinking_off=None)
    family, version = found["family"], (int(found["major"]), int(found["minor"] or 0))
    always_thinks = family not in ("haiku", "sonnet", "opus") or (family == "opus" and version >= (5, 5))
    thinking_off = None
    if version >= (5, 0) and not always_thinks:
        thinking_off = "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"
    return Traits(
        temperature=version < (4, 7) and not always_thinks,
        forced_tool=not always_thinks and not (family == "sonnet" and version >= (5, 5)),
        thinking_off=thinking_off,
    )
