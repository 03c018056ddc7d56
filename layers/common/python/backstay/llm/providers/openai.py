"""OpenAI itself."""

import re
from typing import Any

import httpx2
import openai

from backstay.config import ProviderSettings
from backstay.llm.providers.openai_protocol import ChatCompletions
from backstay.llm.providers.transport import http_client
from backstay.llm.request import Request

_BASE_URL = "https://api.openai.com/v1"
_WITH_TEMPERATURE = re.compile(r"(chatgpt-4|gpt-[34])")


def open_openai(
    name: str, settings: ProviderSettings, api_key: str, http: httpx2.Client | None = None
) -> ChatCompletions:
    """OpenAI under one API key."""
    client = openai.OpenAI(
        api_key=api_key, base_url=settings.base_url or _BASE_URL, max_retries=0, http_client=http or http_client()
    )
    return ChatCompletions(name, client, asked_of_openai)


def asked_of_openai(request: Request, model: str) -> dict[str, Any]:
    """At the usual price, which is what is reserved: a project may have a dearer class of service as its default."""
    return limits_of_openai(request, model) | {"service_tier": "default"}


def limits_of_openai(request: Request, model: str) -> dict[str, Any]:
    """What OpenAI's own models take: to those that reason no temperature; their reasoning counts as output."""
    limits = {"model": model, "max_completion_tokens": request.max_output_tokens}
    if _WITH_TEMPERATURE.match(model):
        return limits | {"temperature": request.temperature}
    return limits | {"reasoning_effort": "low"}
