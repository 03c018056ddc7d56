"""Reading request bodies: JSON in UTF-8 of a bounded size, and nothing else."""

import base64
import binascii
import json
from typing import Any, NoReturn

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from .problems import Kind, Refusal

LARGEST_BODY_BYTES = 5_000_000
"""A Lambda is handed 6 MB at most, and the event around the body needs some of it."""


def check_body(event: BaseProxyEvent) -> None:
    """Refuse a body that no route could read.

    Raises:
        Refusal: it is too large, no UTF-8, or not declared as JSON.
    """
    body = event.body
    if not body:
        return
    media_type = event.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refusal(Kind.UNSUPPORTED_MEDIA, f"the body is declared as {media_type[:100]!r}; send application/json")
    event.raw_event["headers"]["content-type"] = media_type  # Powertools knows it in lower case only
    if event.is_base64_encoded:
        _check_decodes(body)
    size = len(body) * 3 // 4 if event.is_base64_encoded else len(body.encode(errors="surrogatepass"))
    if size > LARGEST_BODY_BYTES:
        raise Refusal(
            Kind.TOO_LARGE,
            f"the body has {size} bytes and may have {LARGEST_BODY_BYTES}; send less at once, or bring a large input"
            " by POST /api/uploads",
        )


def read_json(text: str) -> Any:
    """Parse strict JSON: no NaN, nothing nested beyond reason, nothing that UTF-8 can't carry.

    Raises:
        json.JSONDecodeError: the text is not that.
    """
    try:
        document = json.loads(text, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deeply", "", 0) from error
    except ValueError as error:  # lone surrogates, numbers of thousands of digits, NaN
        raise json.JSONDecodeError(str(error), "", 0) from error
    return document


def _check_decodes(body: str) -> None:
    try:
        base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(Kind.MALFORMED, f"the body is not text in UTF-8: {error}") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
