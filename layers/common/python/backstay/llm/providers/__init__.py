"""Who answers calls. A provider is one module here and one line in `open_provider`."""

from typing import Protocol

from backstay.config import ProviderSettings
from backstay.llm.request import Answer, Request


class Provider(Protocol):
    """One provider under one API key. Used by many threads at once."""

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """One call, one try.

        Raises:
            LLMError: there is no answer; an answer that is cut off or refused is one, and says so.
        """


def open_provider(name: str, settings: ProviderSettings, api_key: str) -> Provider:
    """The provider that the settings describe. Imports its SDK, which takes up to two seconds."""
    match settings.kind:
        case "anthropic":
            from backstay.llm.providers.anthropic import AnthropicProvider

            return AnthropicProvider(name, api_key, settings.base_url)
        case "openai" | "compatible":
            from backstay.llm.providers.openai import OpenAIProvider

            return OpenAIProvider(name, api_key, settings.base_url, compatible=settings.kind == "compatible")
