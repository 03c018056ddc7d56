"""Amazon Bedrock's Converse API, for any maker's models. No SDK: botocore signs, and the shared HTTP client sends.

Botocore's own client takes its timeouts when it is made; here every call has its own.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2

from backstay import aws
from backstay.config import ProviderSettings
from backstay.errors import ErrorClass
from backstay.llm.errors import Facts, Fault, LLMError, failure, retry_after_s, secrets_of
from backstay.llm.providers.converse import answer_of, body_of
from backstay.llm.providers.transport import fault_of, http_client, timeouts
from backstay.llm.request import Answer, Request

_BASE_URL = "https://bedrock-runtime.{region}.amazonaws.com"
_AVOIDED_S = 60.0
"""How long a region that failed is asked last."""
_NEXT_REGION = frozenset({ErrorClass.OVERLOADED, ErrorClass.SERVER, ErrorClass.TIMEOUT, ErrorClass.RATE_LIMITED})
"""Quotas are each region's own: another may have room."""

Sign = Callable[[str, bytes, str], dict[str, str]]
"""Takes URL, body and region; answers the headers to send."""


def open_bedrock(
    name: str, settings: ProviderSettings, api_key: str, http: httpx2.Client | None = None
) -> "BedrockProvider":
    """Bedrock under an API key of its own, or without one under the function's role."""
    sign = _bearer(api_key) if api_key else sign_as_role
    return BedrockProvider(name, settings.regions, settings.base_url or _BASE_URL, sign, http or http_client())


class BedrockProvider:
    """Calls to the regions in order: the next where one is overloaded or can't be reached.

    Never after a call that may have been charged: money was reserved for one. Its job comes back, to another region.
    """

    def __init__(self, name: str, regions: Sequence[str], base_url: str, sign: Sign, http: httpx2.Client) -> None:
        self._name, self._base_url, self._sign, self._http = name, base_url, sign, http
        self._regions = _Regions(regions)

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """One call, one try in each region until one answers; they share the time.

        Raises:
            LLMError: there is no answer from the last region that was asked.
        """
        deadline = time.monotonic() + timeout_s
        regions = self._regions.in_order()
        for number, region in enumerate(regions):
            left_s = (deadline - time.monotonic()) / (len(regions) - number)
            try:
                return self._ask_in(region, request, model, left_s)
            except LLMError as error:
                if error.failure.error_class not in _NEXT_REGION:
                    raise
                self._regions.avoid(region)
                if error.maybe_charged:
                    raise
                last = error
        raise last

    def _ask_in(self, region: str, request: Request, model: str, timeout_s: float) -> Answer:
        route = f"{self._name}/{model}"
        url = f"{self._base_url.format(region=region)}/model/{quote(model, safe='')}/converse"
        body = json.dumps(body_of(request, model)).encode()
        try:
            headers = self._sign(url, body, region)
            response = self._http.post(url, content=body, headers=headers, timeout=timeouts(timeout_s))
        except httpx2.HTTPError as error:
            raise failure(route, Facts(fault=fault_of(error))) from error
        document = _json(response)
        if response.status_code != httpx2.codes.OK:
            raise failure(route, _facts_of(response, document, secrets_of(headers)))
        try:
            return answer_of(document)
        except (AttributeError, KeyError, TypeError) as error:
            is_json = "json" in response.headers.get("content-type", "")
            fault = Fault.MALFORMED if is_json else Fault.NOT_JSON
            raise failure(route, Facts(fault=fault)) from error


class _Regions:
    """The regions, those that failed a short while ago last."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._avoided_until = names, dict.fromkeys(names, 0.0)
        self._lock = threading.Lock()

    def in_order(self) -> list[str]:
        now = time.monotonic()
        with self._lock:
            return sorted(self._names, key=lambda name: self._avoided_until[name] > now)

    def avoid(self, name: str) -> None:
        with self._lock:
            self._avoided_until[name] = time.monotonic() + _AVOIDED_S


def sign_as_role(url: str, body: bytes, region: str) -> dict[str, str]:
    """The headers of a request under this process's AWS credentials.

    Raises:
        LLMError: there are none.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    credentials = aws.credentials()
    if credentials is None:
        raise LLMError(ErrorClass.AUTH, "there are no AWS credentials to call Bedrock with; give the function a role")
    request = AWSRequest(method="POST", url=url, data=body, headers=_HEADERS)
    SigV4Auth(credentials.get_frozen_credentials(), "bedrock", region).add_auth(request)
    return dict(request.headers.items())


def _bearer(api_key: str) -> Sign:
    return lambda _url, _body, _region: _HEADERS | {"Authorization": f"Bearer {api_key}"}


_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


def _facts_of(response: httpx2.Response, document: Any, secrets: tuple[str, ...]) -> Facts:
    said = dict(document) if isinstance(document, dict) else {"message": document}
    kind = response.headers.get("x-amzn-errortype", "").partition(":")[0]  # "ThrottlingException:http://…"
    wait = retry_after_s(response.headers, datetime.now(UTC))
    body = said | ({"type": kind} if kind else {})
    return Facts(status=response.status_code, body=body, retry_after_s=wait, secrets=secrets)


def _json(response: httpx2.Response) -> Any:
    """The body's document, or its text where it is no JSON."""
    try:
        return response.json()
    except ValueError:
        return response.text
