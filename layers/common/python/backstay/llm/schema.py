"""JSON schemas as providers take them: each knows fewer keywords than pydantic writes."""

from collections.abc import Mapping
from typing import Any

_LENGTHS = {"minLength", "maxLength", "pattern", "format", "uniqueItems"}
_LIMITS = _LENGTHS | {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
}


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """For OpenAI's strict mode: every field required, no others allowed, limits of text told in words."""
    return _closed(schema, _LENGTHS)


def without_limits(schema: Mapping[str, Any]) -> dict[str, Any]:
    """For Anthropic's structured output: as `strict`, and the limits of numbers and lists are told in words too."""
    return _closed(schema, _LIMITS)


def _closed(schema: Mapping[str, Any], told: set[str]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}  # nothing may stand beside it
    closed = {key: _inner(key, value, told) for key, value in schema.items() if key not in told and key != "default"}
    if words := ", ".join(f"{key} {schema[key]}" for key in sorted(told & schema.keys())):
        closed["description"] = f"{schema['description']} ({words})" if "description" in schema else words
    if "properties" in schema:
        closed |= {"required": list(schema["properties"]), "additionalProperties": False}
    return closed


def _inner(key: str, value: Any, told: set[str]) -> Any:
    if key in ("properties", "$defs"):
        return {name: _closed(part, told) for name, part in value.items()}
    if key in ("items", "additionalProperties") and isinstance(value, Mapping):
        return _closed(value, told)
    if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [_closed(part, told) for part in value]
    return value
