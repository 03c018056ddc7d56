"""How a task uses models: its routes, by tier where it likes, and how its answers may be used again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backstay.llm.complexity import Tier


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """When two questions are the same, so that one answer serves both. Always within one tenant and task."""

    normalise: bool = False
    """Texts are compared by NFKC, case folded, white space collapsed; else they must be the same to the letter."""
    prompt_version: str = "1"
    """Raise it when answers to the same words are to be given anew."""
    also: tuple[str, ...] = ()
    """What else tells questions apart, such as a workflow's type."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a task says of its calls; each call may say otherwise."""

    routes: tuple[str, ...] = ()
    """`provider/model`, in order; none means those of backstay.toml."""
    tiers: Mapping[Tier, tuple[str, ...]] = field(default_factory=dict)
    """Routes for questions of one complexity; a tier that is not here takes `routes`."""
    cache: CachePolicy | None = field(default_factory=CachePolicy)
    """None: every question is asked."""

    def all_routes(self) -> tuple[str, ...]:
        """Every route that the task names."""
        return (*self.routes, *(route for routes in self.tiers.values() for route in routes))
