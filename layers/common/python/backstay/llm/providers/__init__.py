"""Who answers calls. A provider is one module here and one line in `_OPENERS`."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

from backstay.config import Kind, ProviderSettings
from backstay.llm.request import Answer, Request

if TYPE_CHECKING:
    import httpx2


class Provider(Protocol):
    """One provider under one API key. Used by many threads at once."""

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """One call, one try.

        Raises:
            LLMError: there is no answer; an answer that is cut off or refused is one, and says so.
        """


Opener = Callable[[str, ProviderSettings, str, "httpx2.Client | None"], Provider]
"""Takes the provider's name, its settings, its API key or an empty text, and another HTTP client than the usual one."""

_OPENERS: dict[Kind, str] = {
    "anthropic": "anthropic.open_anthropic",
    "openai": "openai.open_openai",
    "openrouter": "openrouter.open_openrouter",
    "azure": "azure.open_azure",
    "bedrock": "bedrock.open_bedrock",
    "compatible": "compatible.open_compatible",
}


def open_provider(name: str, settings: ProviderSettings, api_key: str, http: "httpx2.Client | None" = None) -> Provider:
    """The provider that the settings describe. Imports its SDK and no other, which takes up to two seconds."""
    module, _, opener = _OPENERS[settings.kind].partition(".")
    found = cast("Opener", getattr(importlib.import_module(f"{__name__}.{module}"), opener))
    return found(name, settings, api_key, http)
