"""S3: payloads by key."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

from tests.memory.refusals import exceptions_of, refusal


class S3:
    """Stands in for the client."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], tuple[bytes, str]] = {}

    @property
    def exceptions(self) -> Any:
        return exceptions_of("s3")

    def create_bucket(self, *, Bucket: str) -> None:
        """Buckets need no making."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str = "") -> dict[str, Any]:
        self._objects[Bucket, Key] = Body, ContentType
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self._objects:
            raise refusal("s3", "GetObject", "NoSuchKey")
        body, kind = self._objects[Bucket, Key]
        return {"Body": io.BytesIO(body), "ContentType": kind}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self._objects:
            raise refusal("s3", "HeadObject", "404")
        return {"ContentLength": len(self._objects[Bucket, Key][0])}

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        keys = sorted(key for bucket, key in self._objects if bucket == Bucket and key.startswith(Prefix))
        return {"Contents": [{"Key": key} for key in keys[:1000]]} if keys else {}

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> dict[str, Any]:
        for entry in Delete["Objects"]:
            self._objects.pop((Bucket, entry["Key"]), None)
        return {}

    def get_paginator(self, operation: str) -> "_Pages":
        if operation != "list_objects_v2":
            raise NotImplementedError(operation)
        return _Pages(self)

    def __getattr__(self, operation: str) -> Any:
        raise NotImplementedError(operation)


class _Pages:
    def __init__(self, s3: S3) -> None:
        self._s3 = s3

    def paginate(self, *, PaginationConfig: Mapping[str, int], **request: Any) -> Iterator[dict[str, Any]]:
        found, size = self._s3.list_objects_v2(**request).get("Contents", []), PaginationConfig["PageSize"]
        for start in range(0, len(found), size):
            yield {"Contents": found[start : start + size]}
