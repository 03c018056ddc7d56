"""Schemas in the dialects of providers."""

from typing import Any

from pydantic import BaseModel, Field

from backstay.llm.schema import strict, without_limits


class Leaf(BaseModel):
    """A leaf."""

    size: float = Field(ge=0, le=10)


class Tree(BaseModel):
    name: str = Field(max_length=5, description="What it is called.")
    note: str | None = Field(default=None, min_length=1)
    leaf: Leaf = Field(description="The first.")
    leaves: list[Leaf] = Field(default=[], max_length=3)


def objects(schema: Any) -> list[dict[str, Any]]:
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    found = [schema] if isinstance(schema, dict) and "properties" in schema else []
    return found + [inner for part in parts for inner in objects(part)]


def test_every_field_is_required_and_no_other_is_allowed() -> None:
    found = objects(strict(Tree.model_json_schema()))
    assert len(found) == 2
    for part in found:
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False


def test_limits_that_a_dialect_lacks_are_told_in_words() -> None:
    schema = strict(Tree.model_json_schema())
    assert schema["properties"]["name"] == {
        "title": "Name",
        "type": "string",
        "description": "What it is called. (maxLength 5)",
    }
    assert schema["properties"]["note"]["anyOf"] == [
        {"type": "string", "description": "minLength 1"},
        {"type": "null"},
    ]
    assert schema["$defs"]["Leaf"]["properties"]["size"]["maximum"] == 10


def test_the_barest_dialect_tells_limits_of_numbers_and_lists_in_words_too() -> None:
    schema = without_limits(Tree.model_json_schema())
    assert schema["$defs"]["Leaf"]["properties"]["size"]["description"] == "maximum 10, minimum 0"
    assert schema["properties"]["leaves"]["description"] == "maxItems 3"


def test_nothing_stands_beside_a_reference() -> None:
    assert strict(Tree.model_json_schema())["properties"]["leaf"] == {"$ref": "#/$defs/Leaf"}


def test_a_field_may_be_called_like_a_keyword() -> None:
    schema = {"type": "object", "properties": {"default": {"type": "string"}, "format": {"type": "string"}}}
    assert list(strict(schema)["properties"]) == ["default", "format"]
