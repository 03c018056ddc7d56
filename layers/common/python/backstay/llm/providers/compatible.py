"""Any server that speaks OpenAI's protocol: Ollama, llama.cpp, vLLM."""

import httpx2
import openai

from backstay.config import ProviderSettings
from backstay.llm.providers.openai_protocol import ChatCompletions, limits_that_all_know
from backstay.llm.providers.transport import http_client

_NO_KEY = "none"  # the SDK refuses to start without one


def open_compatible(
    name: str, settings: ProviderSettings, api_key: str, http: httpx2.Client | None = None
) -> ChatCompletions:
    """A server by its address, under an API key where it wants one."""
    client = openai.OpenAI(
        api_key=api_key or _NO_KEY, base_url=settings.base_url, max_retries=0, http_client=http or http_client()
    )
    return ChatCompletions(name, client, limits_that_all_know)
