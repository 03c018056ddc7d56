"""S3: payloads too large for a queue or a table, and uploads by presigned URL."""

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.contract.clouds import Cloud, outcome, unique

_KEY = "uploads/acme/6f1c"


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    """An empty bucket."""
    name = unique("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def test_a_payload_comes_back_as_it_went(cloud: Cloud, bucket: str):
    s3, body = cloud.client("s3"), b"\x00\xff" * 600_000
    s3.put_object(Bucket=bucket, Key=_KEY, Body=body, ContentType="application/json")
    answer = s3.get_object(Bucket=bucket, Key=_KEY)
    seen = answer["Body"].read() == body, answer["ContentType"]
    cloud.does(seen, aws=(True, "application/json"), source="S3 API reference, PutObject")


def test_what_is_not_there_is_named_as_such(cloud: Cloud, bucket: str):
    s3 = cloud.client("s3")
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key=_KEY)
    seen = refused.value.response["Error"]["Code"], isinstance(refused.value, s3.exceptions.NoSuchKey)
    cloud.does(seen, aws=("NoSuchKey", True), source="S3 API reference, GetObject: with s3:ListBucket")


def test_a_tenants_payloads_are_listed_by_prefix_page_by_page(cloud: Cloud, bucket: str):
    s3 = cloud.client("s3")
    for key in ("inputs/acme/1", "inputs/acme/2", "inputs/acme/3", "inputs/acme-2/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="inputs/acme/", PaginationConfig={"PageSize": 2}
    )
    seen = [[entry["Key"] for entry in page["Contents"]] for page in pages]
    expected = [["inputs/acme/1", "inputs/acme/2"], ["inputs/acme/3"]]
    cloud.does(seen, aws=expected, source="S3 API reference, ListObjectsV2")


def test_deleting_many_answers_without_errors_for_what_is_gone_already(cloud: Cloud, bucket: str):
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key=_KEY, Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": _KEY}, {"Key": "gone"}], "Quiet": True})
    seen = answer.get("Errors", []), outcome(lambda: s3.head_object(Bucket=bucket, Key=_KEY))
    cloud.does(seen, aws=([], "404"), source="S3 API reference, DeleteObjects")


@pytest.fixture
def uploads(emulator: Cloud) -> str:
    """A bucket that answers HTTP, which moto's does only to one library."""
    name = unique("bucket")
    emulator.client("s3").create_bucket(Bucket=name)
    return name


def _upload(emulator: Cloud, bucket: str, body: bytes, signed_length: int, expires_s: int = 60) -> httpx.Response:
    url = emulator.client("s3").generate_presigned_url(
        "put_object",
        Params={
            "Bucket": bucket, "Key": _KEY, "ContentLength": signed_length, "ContentType": "application/json",
        },
        ExpiresIn=expires_s,
    )  # fmt: skip
    return httpx.put(url, content=body, headers={"Content-Type": "application/json"}, trust_env=False)


def test_a_presigned_url_takes_an_upload_of_the_length_that_was_signed(emulator: Cloud, uploads: str):
    answer = _upload(emulator, uploads, b'{"a":1}', signed_length=7)
    stored = emulator.client("s3").get_object(Bucket=uploads, Key=_KEY)["Body"].read()
    emulator.does((answer.status_code, stored), aws=(200, b'{"a":1}'), source="S3 user guide, Presigned URLs")


def test_a_presigned_url_takes_no_upload_of_another_length(emulator: Cloud, uploads: str):
    answer = _upload(emulator, uploads, b'{"a":1}' * 100, signed_length=7)
    emulator.does(answer.status_code, aws=403, source="Signature version 4: SignedHeaders")


def test_a_presigned_url_reads_and_ends(emulator: Cloud, uploads: str):
    s3 = emulator.client("s3")
    s3.put_object(Bucket=uploads, Key=_KEY, Body=b"{}")
    links = [
        s3.generate_presigned_url("get_object", Params={"Bucket": uploads, "Key": _KEY}, ExpiresIn=seconds)
        for seconds in (60, -1)
    ]
    answers = [httpx.get(link, trust_env=False) for link in links]
    seen = answers[0].content, [answer.status_code for answer in answers]
    emulator.does(seen, aws=(b"{}", [200, 403]), source="S3 user guide, Presigned URLs")


def test_a_presigned_url_can_not_be_bent_to_another_key(emulator: Cloud, uploads: str):
    s3 = emulator.client("s3")
    s3.put_object(Bucket=uploads, Key="results/other/secret", Body=b"secret")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": uploads, "Key": _KEY}, ExpiresIn=60)
    bent = link.replace(_KEY, "results/other/secret")
    seen = httpx.get(bent, trust_env=False).status_code
    emulator.does(seen, aws=403, source="Signature version 4: canonical request")
