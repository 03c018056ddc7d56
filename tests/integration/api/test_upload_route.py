"""POST /api/uploads."""

from urllib.parse import parse_qs, urlsplit

import pytest

from backstay.clock import from_iso, utc_now


def test_the_url_takes_the_tenants_upload_of_this_size_and_type_only(client) -> None:
    answer = client("newsroom")("POST", "/api/uploads", {"size": 1_500_000})

    assert answer.status == 201
    assert answer.json["method"] == "PUT"
    assert answer.json["input_ref"].startswith("uploads/newsroom/")
    assert answer.json["headers"] == {"Content-Type": "application/json", "Content-Length": "1500000"}
    url = urlsplit(answer.json["url"])
    assert url.path.endswith(answer.json["input_ref"])
    signed = parse_qs(url.query)["X-Amz-SignedHeaders"][0]
    assert {"content-length", "content-type"} <= set(signed.split(";"))
    assert 880 < (from_iso(answer.json["expires_at"]) - utc_now()).total_seconds() <= 900


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "size"),
        ({"size": 0}, "size"),
        ({"size": 20_000_001}, "size"),
        ({"size": "big"}, "size"),
        ({"size": 10, "content_type": "text/html"}, "content_type"),
        ({"size": 10, "tenant": "../sports"}, "tenant"),
    ],
)
def test_what_can_not_be_uploaded_is_named(client, body, field: str) -> None:
    answer = client()("POST", "/api/uploads", body)

    assert answer.status == 422
    assert field in answer.fields


def test_an_upload_for_another_tenant_is_refused(client) -> None:
    assert client("newsroom")("POST", "/api/uploads", {"size": 10, "tenant": "sports"}).status == 403
    assert client("*")("POST", "/api/uploads", {"size": 10, "tenant": "sports"}).status == 201
