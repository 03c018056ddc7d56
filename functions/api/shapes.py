"""What all shapes of requests and answers have in common."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema

from backstay.clock import iso


class Shape(BaseModel):
    """A request's or an answer's body. Built when its route is first used, which keeps a cold start short."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)


Moment: TypeAlias = Annotated[
    datetime, PlainSerializer(iso, when_used="json"), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A time, answered as ISO 8601 in UTC with milliseconds."""

Amount: TypeAlias = Annotated[
    Decimal, PlainSerializer("{:f}".format, return_type=str, when_used="json"), WithJsonSchema({"type": "string"})
]
"""A number that must not lose a digit, such as dollars: answered as text, and never with an exponent."""

TenantName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]

JsonObject: TypeAlias = dict[str, Any]


def example(value: JsonObject) -> ConfigDict:
    """A shape's configuration that adds an example to its schema."""
    return ConfigDict(json_schema_extra={"example": value})
