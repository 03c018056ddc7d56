"""Answers at the transport of botocore: what DynamoDB and SQS would say, without a network and without a table."""

import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.awsrequest
from botocore.compat import HTTPHeaders

_ID = re.compile(rb'"id": ?\{"S": ?"([^"]+)"\}')
_NOTHING = b'{"Responses": {}, "UnprocessedKeys": {}}'  # what every operation can read as nothing found


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk


class Canned:
    """Answers every request that a client has serialised and signed.

    Args:
        claimed: what a claim answers, by job id: the record's item in JSON.
        key: the item of the API key that callers use.
        latency_s: of every answer.
    """

    def __init__(
        self, claimed: Mapping[bytes, bytes] | None = None, key: Mapping[str, Any] | None = None, latency_s: float = 0
    ) -> None:
        self._claimed, self._latency_s = claimed or {}, latency_s
        self._key = json.dumps({"Item": key}).encode() if key else _NOTHING

    def attach(self, client: Any) -> None:
        """Answer this DynamoDB client's requests."""
        client.meta.events.register(
            "before-send", lambda request, **_: _response(request.url, self._body(request.body))
        )

    def _body(self, asked: bytes | str) -> bytes:
        if self._latency_s:
            time.sleep(self._latency_s)
        text = asked.encode() if isinstance(asked, str) else asked
        if b'"key_hash"' in text:
            return self._key
        if b'"ReturnValues": "ALL_NEW"' not in text:
            return _NOTHING
        found = _ID.search(text)
        if found is None:
            raise ValueError(f"this request names no job: {text[:200]!r}")
        return self._claimed[found[1]]


def answer_always(client: Any, body: bytes) -> None:
    """Answer all of a client's requests with one body."""
    client.meta.events.register("before-send", lambda request, **_: _response(request.url, body))


def answer_of(url: str, document: Mapping[str, Any], status: int = 200) -> Any:
    """A document as botocore takes an answer to a request that it has not sent."""
    return _response(url, json.dumps(document).encode(), status)


def _response(url: str, body: bytes, status: int = 200) -> Any:
    headers = {"Content-Type": "application/x-amz-json-1.0", "Content-Length": str(len(body))}
    return botocore.awsrequest.AWSResponse(url, status, HTTPHeaders.from_dict(headers), _Raw(body))


def attributes(item: Mapping[str, Any]) -> bytes:
    """The body of an answer to an update that returns the whole item."""
    return json.dumps({"Attributes": item}).encode()
