"""What callers have uploaded to be an input: `POST /api/uploads` gave the place."""

import json
from collections.abc import Mapping
from typing import Any

from backstay.errors import BackstayError
from backstay.jobs.payloads import MissingPayloadError, PayloadBucket


class UploadError(BackstayError):
    """What was named is no upload that could be an input; the text says why."""


def read_upload(bucket: PayloadBucket, tenant: str, input_ref: str) -> Mapping[str, Any]:
    """The JSON object that a tenant uploaded.

    Raises:
        UploadError: it is another tenant's, gone, or no JSON object.
    """
    if not input_ref.startswith(f"uploads/{tenant}/"):
        raise UploadError("names no upload of this tenant; POST /api/uploads gives one")
    try:
        document = json.loads(bucket.get(input_ref))
    except (MissingPayloadError, ValueError) as error:
        raise UploadError(f"can't be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise UploadError("must hold a JSON object")
    return document
