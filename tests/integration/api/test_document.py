"""The OpenAPI document and Swagger UI."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.api_reference import COMMAND, REFERENCE, current


@pytest.fixture
def document(stranger) -> dict[str, Any]:
    found: dict[str, Any] = stranger("GET", "/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def test_it_is_a_valid_openapi_document(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_every_route_is_in_it(document: dict[str, Any]) -> None:
    from api.handler import _api
    from api.route_table import routes_of

    routes = routes_of(_api.resolver)
    listed = {(method, path) for method, path, _ in operations(document)}
    assert listed == {(route.method, route.openapi_path) for route in routes} - {
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    }


def test_the_reference_in_docs_is_current() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == current(), f"write it anew: {COMMAND}"


def test_every_operation_tells_what_it_does_and_how_it_refuses(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for method, path, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        answers = operation["responses"]
        assert any(status.startswith("2") for status in answers)
        assert {"500", "503"} <= set(answers)
        if operation["security"] != [{}, {"apiKey": []}]:
            assert {"401", "403"} <= set(answers), (method, path)
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= set(answers), (method, path)
        for status, answer in answers.items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]


def test_the_key_is_documented_as_a_bearer_token(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["apiKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_nothing_of_powertools_own_problem_format_is_left(document: dict[str, Any]) -> None:
    assert "ValidationError" not in json.dumps(document)


def test_the_inputs_of_tasks_are_in_it(document: dict[str, Any]) -> None:
    assert document["x-tasks"]["obey"]["input"] == {"$ref": "#/components/schemas/obey.input"}
    assert "sleep_s" in document["components"]["schemas"]["obey.input"]["properties"]


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for name, schema in document["components"]["schemas"].items():
        for example in [schema[key] for key in ("example",) if key in schema]:
            root = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            Draft202012Validator(root).validate(example)
            checked += 1
    assert checked >= 4


def test_answers_fit_their_schemas(client, machine, document: dict[str, Any]) -> None:
    caller = client()
    made = caller("POST", "/api/jobs", {"task": "obey", "input": {"reject": True}})
    machine.deliver("obey")
    job = made.json["id"]
    for method, path, template in [
        ("GET", f"/api/jobs/{job}", "/api/jobs/{job_id}"),
        ("GET", "/api/jobs", "/api/jobs"),
        ("POST", f"/api/jobs/{job}/retry", "/api/jobs/{job_id}/retry"),
        ("POST", f"/api/jobs/{job}/retry", "/api/jobs/{job_id}/retry"),
        ("POST", f"/api/jobs/{job}/cancel", "/api/jobs/{job_id}/cancel"),
        ("GET", "/health", "/health"),
    ]:
        answer = caller(method, path)
        described = document["paths"][template][method.lower()]["responses"][str(answer.status)]
        (content,) = described["content"].values()
        Draft202012Validator({**content["schema"], "components": document["components"]}).validate(answer.json)


def test_swagger_ui_is_one_page_that_loads_nothing_from_elsewhere(stranger) -> None:
    answer = stranger("GET", "/docs")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script src" not in answer.text
    assert "<link" not in answer.text.split("<body>")[0]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert '"title":"Backstay"' in answer.text


def test_the_page_travels_compressed_to_whoever_takes_it(stranger) -> None:
    answer = stranger("GET", "/docs", headers={"accept-encoding": "gzip, br"})

    assert answer.headers["content-encoding"] == "gzip"
    page = gzip.decompress(base64.b64decode(answer.text)).decode()
    assert "SwaggerUIBundle" in page
    assert len(answer.text) < 1_000_000
