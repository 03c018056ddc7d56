"""OpenAI's models as Azure serves them: by deployment, under a version of the API."""

from typing import Any

import httpx2
import openai

from backstay.config import ProviderSettings
from backstay.llm.providers.openai import limits_of_openai
from backstay.llm.providers.openai_protocol import ChatCompletions
from backstay.llm.providers.transport import http_client
from backstay.llm.request import Request


def open_azure(
    name: str, settings: ProviderSettings, api_key: str, http: httpx2.Client | None = None
) -> ChatCompletions:
    """One Azure resource. Routes name models, so that prices are found; its deployments may have other names."""
    client = openai.AzureOpenAI(
        api_key=api_key,
        azure_endpoint=settings.base_url or "",  # never empty: a provider of this kind has one
        api_version=settings.api_version,
        max_retries=0,
        http_client=http or http_client(),
    )

    def limits(request: Request, model: str) -> dict[str, Any]:
        return limits_of_openai(request, model) | {"model": settings.deployments.get(model, model)}

    return ChatCompletions(name, client, limits)
