"""Plain Python values to DynamoDB's attribute values and back. Its own, since boto3's comes only with all of boto3."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

Value: TypeAlias = Any
"""None, bool, int, float, Decimal, str, bytes, or a list or string-keyed mapping of them."""


def encode(value: Value) -> "UniversalAttributeValueTypeDef":
    """One value as DynamoDB wants it.

    Raises:
        TypeError: the value is of a type that no attribute can hold.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case float():
            return {"N": repr(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [encode(entry) for entry in value]}
        case Mapping():
            return {"M": {key: encode(entry) for key, entry in value.items()}}
        case _:
            raise TypeError(f"{type(value).__name__} can't be stored in DynamoDB")


def encode_item(item: Mapping[str, Value]) -> "dict[str, UniversalAttributeValueTypeDef]":
    """A whole item or a set of expression values; attributes that are None are left out."""
    return {name: encode(value) for name, value in item.items() if value is not None}


def decode(attribute: Mapping[str, Any]) -> Value:
    """One attribute as a plain value; numbers come as int where they are whole, else as Decimal."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL" | "B":
            return value
        case "N":
            number = Decimal(str(value))
            return int(number) if number == number.to_integral_value() else number
        case "M":
            return {key: decode(entry) for key, entry in value.items()}
        case "L":
            return [decode(entry) for entry in value]
        case "NULL":
            return None
        case _:
            raise TypeError(f"attribute type {kind!r} is not one that Backstay writes")


def decode_item(item: Mapping[str, Any]) -> dict[str, Value]:
    """A whole item as plain values."""
    return {name: decode(attribute) for name, attribute in item.items()}
