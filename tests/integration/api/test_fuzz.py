"""The API asked with whatever its own OpenAPI document permits, and with what it doesn't.

Schemathesis makes the requests, the real handler answers over moto. Here each operation is asked a few times, always
the same; BACKSTAY_FUZZ_EXAMPLES asks so many times, each time otherwise.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .routes import ALL
from .served import as_wsgi

OFTEN = "BACKSTAY_FUZZ_EXAMPLES"
SETTINGS = settings(
    max_examples=int(os.environ.get(OFTEN, "6")),
    derandomize=OFTEN not in os.environ,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNDESCRIBED = {"/openapi.json", "/docs"}
OPERATIONS = sorted({(r.method, r.openapi_path) for r in ALL if r.path not in UNDESCRIBED})
NAMES = {"tasks": "obey", "sagas": "carry", "providers": "anthropic", "breakers": "anthropic"}
"""Something that there is, by what stands before it in the path."""


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_is_answered_with_5xx_or_with_what_is_not_documented(
    handler, client, step_functions, told, method: str, path: str
) -> None:
    caller = client()
    job = caller("POST", "/api/jobs", {"task": "obey", "input": {"text": "x"}}).json["id"]
    there_is = {
        "job_id": job,
        "name": NAMES.get(path.removeprefix("/api/").split("/")[0]),
        "scope": "total",
        "window": "daily",
    }
    if path == "/api/providers/{name}/test":
        there_is = {}  # the function that tries providers is not there
    operation = schemathesis.openapi.from_wsgi("/openapi.json", as_wsgi(handler))[path][method]
    can_be_wrong = bool(operation.body) or any(True for _ in operation.iter_parameters())

    for mode in GenerationMode if can_be_wrong else [GenerationMode.POSITIVE]:

        @SETTINGS
        @given(case=operation.as_strategy(generation_mode=mode), is_there=st.booleans())
        def ask(case: schemathesis.Case, is_there: bool) -> None:
            if is_there and case.path_parameters:
                case.path_parameters |= {name: there_is[name] for name in case.path_parameters if name in there_is}
            case.call_and_validate(headers={"Authorization": f"Bearer {caller.key}"}, checks=CHECKS)

        ask()
