"""docs/api.md: the API's reference, out of its OpenAPI document. Written by `uv run python -m tests.api_reference`."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from cli.local.state import REPOSITORY

REFERENCE = REPOSITORY / "docs" / "api.md"
COMMAND = "uv run python -m tests.api_reference"
_HEAD = f"""\
# The API

Written from the API's own OpenAPI document by `{COMMAND}`. A deployment tells it whole at
`GET /openapi.json`, with every shape field by field and the inputs and outputs of its tasks, and lets you try it at
`GET /docs`.
"""

Part = Mapping[str, Any]


def current() -> str:
    """What docs/api.md has to say of the API as it is."""
    # Clients of AWS are made with the API, and none is asked.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from api import handler
    from api.document import document

    return reference_of(json.loads(document(handler._api.resolver, ())))


def reference_of(document: Part) -> str:
    """A document in Markdown: the operations by what they are about."""
    return "\n".join([_HEAD, document["info"]["description"], *_operations(document)]).strip() + "\n"


def _operations(document: Part) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"\n## {tag['name'].capitalize()}\n\n{tag['description']}"
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(f"{method.upper()} {path}", operation)


def _operation(call: str, operation: Part) -> Iterator[str]:
    yield f"\n### {call}\n\n{operation['summary']}. {operation['description']}\n"
    scopes = [scope for needed in operation.get("security", ()) for names in needed.values() for scope in names]
    yield f"- Scope: {' or '.join(f'`{scope}`' for scope in scopes) or 'any key' if scopes else 'none'}"
    for parameter in operation.get("parameters", ()):
        must = ", required" if parameter.get("required") and parameter["in"] != "path" else ""
        about = f": {parameter['description']}" if parameter.get("description") else ""
        yield f"- `{parameter['name']}` in {parameter['in']}, {_type(parameter['schema'])}{must}{about}"
    for media in operation.get("requestBody", {}).get("content", {}).values():
        yield f"- Body: {_type(media['schema'])}"
    refusals = [status for status in operation["responses"] if not status.startswith("2")]
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            kinds = sorted({_type(media["schema"]) for media in answer.get("content", {}).values()})
            yield f"- {status}: {' or '.join(kinds) or 'nothing'}"
    yield f"- Refuses with {', '.join(refusals)}"


def _type(schema: Part) -> str:
    """A schema in a word or two."""
    if reference := schema.get("$ref"):
        return f"`{reference.rpartition('/')[2]}`"
    if values := schema.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if "const" in schema:
        return f"`{schema['const']}`"
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[choice]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(values := schema.get("additionalProperties"), Mapping):
        return f"{_type(values)} by name"
    kind = schema.get("format") or schema.get("type") or "anything"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


if __name__ == "__main__":
    REFERENCE.write_text(current(), encoding="utf-8")
