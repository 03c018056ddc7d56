"""Claim check: small payloads travel with the job, large ones lie in S3 and a pointer travels."""

import json
import zlib
from typing import Any

from backstay import aws
from backstay.errors import BackstayError
from backstay.jobs.record import Payload

RESULT_IN_RECORD_BYTES = 3_000
"""A result up to this stands in the record; a larger one would make every later write of the record dearer."""

ITEM_BYTES = 32_000
"""A payload up to this is an item of its own; S3's price per object is lower from about here on."""

_WORTH_PACKING_BYTES = 600


class MissingPayloadError(BackstayError):
    """A payload that a record or a message points to is gone."""


class UndeletedPayloadError(BackstayError):
    """S3 refused to delete a payload; the text says why."""


def to_json(document: Any) -> str:
    """Compact JSON text."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, default=str)


def pack(text: str) -> str | bytes:
    """Text as it is stored: compressed where that saves a write unit."""
    raw = text.encode()
    if len(raw) < _WORTH_PACKING_BYTES:
        return text
    packed = zlib.compress(raw, 6)
    return packed if len(packed) < len(raw) else text


def unpack(stored: str | bytes) -> str:
    """The text that `pack` stored."""
    return stored if isinstance(stored, str) else zlib.decompress(stored).decode()


class PayloadBucket:
    """The bucket of large inputs and results."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def put(self, key: str, text: str) -> None:
        """Store JSON text under a key that is never used for another text."""
        aws.s3().put_object(Bucket=self._bucket, Key=key, Body=text.encode(), ContentType="application/json")

    def get(self, key: str) -> str:
        """The text under a key.

        Raises:
            MissingPayloadError: nothing lies there, most likely since it is past its retention.
        """
        s3 = aws.s3()
        try:
            return s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
        except s3.exceptions.NoSuchKey as error:
            raise MissingPayloadError(f"no payload lies under {key!r}; it may be past its retention") from error

    def delete_some(self, prefix: str) -> int:
        """Delete up to a thousand of what lies under keys that start so; answers how many it were."""
        s3 = aws.s3()
        found = s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", [])
        if not found:
            return 0
        doomed = [{"Key": entry["Key"]} for entry in found]
        answer = s3.delete_objects(Bucket=self._bucket, Delete={"Objects": doomed, "Quiet": True})  # type: ignore[typeddict-item]
        if errors := answer.get("Errors"):
            first = errors[0]
            raise UndeletedPayloadError(f"{len(errors)} payloads could not be deleted; {first['Key']}: {first['Code']}")
        return len(found)

    def link(self, key: str, seconds: int = 3600) -> str:
        """A URL that reads the payload for a while."""
        return aws.s3().generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
        )


def result_location(text: str, s3_key: str) -> Payload:
    """Where a result of this size belongs: in the record, in an item of its own, or in S3."""
    size = len(text.encode())
    if size <= RESULT_IN_RECORD_BYTES:
        return Payload(inline=text, size=size)
    return Payload(s3_key=s3_key if size > ITEM_BYTES else None, size=size)
