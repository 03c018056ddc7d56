"""OpenRouter: OpenAI's protocol, many providers behind it, and their errors inside its own."""

import httpx2
import openai

from backstay.config import ProviderSettings
from backstay.llm.providers.openai_protocol import ChatCompletions, limits_that_all_know
from backstay.llm.providers.transport import http_client

_BASE_URL = "https://openrouter.ai/api/v1"


def open_openrouter(
    name: str, settings: ProviderSettings, api_key: str, http: httpx2.Client | None = None
) -> ChatCompletions:
    """OpenRouter under one API key. It leaves out what a model refuses, such as a temperature."""
    told = {"HTTP-Referer": settings.referer, "X-Title": settings.title}
    client = openai.OpenAI(
        api_key=api_key,
        base_url=settings.base_url or _BASE_URL,
        default_headers={header: value for header, value in told.items() if value},
        max_retries=0,
        http_client=http or http_client(),
    )
    return ChatCompletions(name, client, limits_that_all_know)
