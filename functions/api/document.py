"""The OpenAPI document: what Powertools derives from the routes, and what it can't know. Made once a process."""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from inspect import cleandoc
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi import swagger_ui
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, Server, Tag

from .gate import SCHEME
from .problems import MEDIA_TYPE, Kind, Problem
from .route_table import routes_of
from .services import services
from .shapes import JsonObject
from .story_routes import TASK

REFUSES = "x-refuses"
"""Extension of a route: the statuses that it alone may answer with, besides those that follow from its form."""

ANSWERS_TOO = "x-answers-too"
"""Extension of a route: further statuses that bring the same body, each with what it means."""

ANSWERS_AS = "x-answers-as"
"""Extension of a route: in which types it may answer, where that is not JSON alone."""

_SCHEMAS = "#/components/schemas/"
_POWERTOOLS_OWN = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_ABOUT = """\
Submits, reads and controls jobs. Every answer that is no success is
[problem details](https://www.rfc-editor.org/rfc/rfc9457) of type `application/problem+json`.

Send an API key as `Authorization: Bearer KEY`. A key belongs to one tenant, or to `*`, and has scopes: `submit` (bring
work), `read` (see it), `operate` (pause, resume, redrive, delete).
"""


@cache
def document(app: APIGatewayHttpResolver, tasks: tuple[str, ...]) -> str:
    """The OpenAPI 3.1 document of this API, with the inputs and outputs of these tasks, as JSON text."""
    schema = app.get_openapi_json_schema(
        title="Backstay",
        version="1",
        description=_ABOUT,
        servers=[Server(url="/")],
        tags=[
            Tag(name="jobs", description="Work: bring it, watch it, call it off."),
            Tag(name="stories", description="Stories and their scores."),
            Tag(name="chats", description="Conversations with bots."),
            Tag(name="sagas", description="Work in steps that is done whole, or undone."),
            Tag(name="money", description="What may be spent, and what was."),
            Tag(name="alerts", description="What people must hear of, and when they must not."),
            Tag(name="operation", description="Running the house."),
        ],
        security_schemes={SCHEME: HTTPBearer(bearerFormat="bsk_<id>_<secret>", description="An API key.")},
    )
    return json.dumps(_completed(json.loads(schema), app, tasks), separators=(",", ":"))


def page(text: str) -> str:
    """Swagger UI over a document, in one page that loads nothing else."""
    files = resources.files(swagger_ui)
    return swagger_ui.generate_swagger_html(
        text.replace("</", "<\\/"),
        (files / "swagger-ui-bundle.min.js").read_text("utf-8"),
        (files / "swagger-ui.min.css").read_text("utf-8"),
        "",
        None,
    )


def _completed(found: JsonObject, app: APIGatewayHttpResolver, tasks: tuple[str, ...]) -> JsonObject:
    schemas: JsonObject = found["components"]["schemas"]
    for name in _POWERTOOLS_OWN:
        schemas.pop(name, None)
    own = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas |= own.pop("$defs", {}) | {"Problem": own}
    schemas["JobBatchRequest"]["properties"]["jobs"]["items"] = {"$ref": _SCHEMAS + "JobRequest"}
    found["x-tasks"] = described = _tasks(tasks, schemas)
    if TASK in described:
        _body_of(found, "/api/stories")["schema"] = described[TASK]["input"]
    explained = {(route.method.lower(), route.openapi_path): route.func.__doc__ for route in routes_of(app)}
    for path, method, operation in _operations(found):
        operation["operationId"] = operation["operationId"].removesuffix(re.sub(r"\W", "_", path) + f"_{method}")
        operation["description"] = cleandoc(explained[method, path] or "")
        _add_answers(path, operation)
    return found


def _body_of(found: JsonObject, path: str) -> JsonObject:
    body: JsonObject = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return body


def _operations(found: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for path, item in found["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _add_answers(path: str, operation: JsonObject) -> None:
    answers = operation["responses"]
    success = next(answer for status, answer in answers.items() if status.startswith("2"))
    if types := operation.pop(ANSWERS_AS, None):
        text = {"schema": {"type": "string"}}
        success["content"] = {name: success["content"].get(name, text) for name in types}
    for status, meaning in operation.pop(ANSWERS_TOO, {}).items():
        answers[status] = {**success, "description": meaning}
    statuses = {500, 503, *operation.pop(REFUSES, ())}
    if any(operation.get("security", ())):
        statuses |= {401}
    if any(requirement.get(SCHEME) for requirement in operation.get("security", ())):
        statuses |= {403}
    if "requestBody" in operation:
        statuses |= {400, 413, 415, 422}
    if operation.get("parameters"):
        statuses |= {422}
    if "{" in path:
        statuses |= {404}
    for kind in Kind:
        if kind.status in statuses:
            answers[str(kind.status)] = _refusal(kind)


def _refusal(kind: Kind) -> JsonObject:
    return {"description": kind.title, "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}}}}


def _tasks(names: tuple[str, ...], schemas: JsonObject) -> JsonObject:
    """Each task's input and output, their schemas named after the task, so that equal names of models don't meet."""
    listed: dict[str, Any] = {}
    for name in names:
        task = services().catalog.get(name)
        listed[name] = {}
        for side, model in (("input", task.input), ("output", task.output)):
            schema = model.model_json_schema(
                ref_template=f"{_SCHEMAS}{name}.{{model}}", mode="validation" if side == "input" else "serialization"
            )
            schemas |= {f"{name}.{inner}": found for inner, found in schema.pop("$defs", {}).items()}
            schemas[f"{name}.{side}"] = schema
            listed[name][side] = {"$ref": f"{_SCHEMAS}{name}.{side}"}
    return listed
