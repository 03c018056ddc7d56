"""What somebody wants of a campaign, in the words that all of its tasks use."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Channel(StrEnum):
    """The ways in which a campaign reaches people."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    SOCIAL = "social"


RunId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\.[a-z2-7]{24}$")]
"""A run of a saga. It starts with its tenant, as a job's id does."""

ShortText = Annotated[str, StringConstraints(max_length=200)]


class Offers(BaseModel):
    """What is offered to whoever reads it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    discount: ShortText | None = Field(default=None, description="Such as 20% or 5 EUR.")
    promo_code: ShortText | None = Field(default=None, description="Exactly as it was written.")
    expiry: ShortText | None = Field(default=None, description="When it ends, as it was written.")
