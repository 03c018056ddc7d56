"""What JSON schemas say of a document: which fields it has, of which kinds, and what may be missing. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel

NULL = "null"
_KIND_OF = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
    tuple: "array",
}


@dataclass(frozen=True)
class Shape:
    """A part of a document, as its schema has it."""

    node: Mapping[str, Any]
    definitions: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, model: type[BaseModel], mode: Literal["validation", "serialization"]) -> "Shape":
        """What a model takes, or what it becomes as JSON."""
        schema = model.model_json_schema(mode=mode)
        return cls(schema, schema.get("$defs", {}))

    @cached_property
    def options(self) -> tuple[Mapping[str, Any], ...]:
        """Every schema that it may be an instance of."""
        return tuple(self._flat(self.node))

    @property
    def kinds(self) -> frozenset[str] | None:
        """JSON types, with integers among the numbers; None where it may be anything."""
        found = [_kinds(option) for option in self.options]
        known = [kinds for kinds in found if kinds is not None]
        return frozenset().union(*known) if len(known) == len(found) else None

    @property
    def may_be_null(self) -> bool:
        """Whether null is one of the things that it is told to be."""
        return self.kinds is not None and NULL in self.kinds

    @property
    def fields(self) -> dict[str, "Shape"]:
        """What it may have, where it is an object."""
        return {
            name: Shape(part, self.definitions)
            for option in self.options
            for name, part in option.get("properties", {}).items()
        }

    @property
    def required(self) -> frozenset[str]:
        """The fields that it must have, whichever object it is."""
        objects = [frozenset(option.get("required", ())) for option in self.options if "properties" in option]
        return objects[0].intersection(*objects[1:]) if objects else frozenset()

    @property
    def is_open(self) -> bool:
        """Whether it may have fields that its schema doesn't name."""
        return any(_kinds(option) is None or _is_open(option) for option in self.options)

    @property
    def entries(self) -> "Shape":
        """What its entries are, where it is an array."""
        items = [option["items"] for option in self.options if isinstance(option.get("items"), Mapping)]
        return Shape({"anyOf": items} if items else {}, self.definitions)

    def _flat(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if "$ref" in node:
            yield from self._flat(self.definitions[node["$ref"].rpartition("/")[2]])
            return
        alternatives = node.get("anyOf") or node.get("oneOf") or node.get("allOf")
        if not alternatives:
            yield node
            return
        for alternative in alternatives:
            yield from self._flat(alternative)


def kind_of(value: Any) -> str:
    """The JSON type of a plain value."""
    return NULL if value is None else _KIND_OF[type(value)]


def _kinds(option: Mapping[str, Any]) -> frozenset[str] | None:
    if "const" in option:
        return frozenset({kind_of(option["const"])})
    if "enum" in option:
        return frozenset(map(kind_of, option["enum"]))
    named = option.get("type")
    if named is None:
        return None
    names = [named] if isinstance(named, str) else named
    return frozenset("number" if name == "integer" else name for name in names)


def _is_open(option: Mapping[str, Any]) -> bool:
    if option.get("type") != "object":
        return False
    return bool(option.get("additionalProperties")) or "properties" not in option
