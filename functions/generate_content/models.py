"""What content is wanted, and what a model writes."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from backstay.campaigns.brief import Channel, Offers, RunId, ShortText

LONGEST_MESSAGE = 10_000


class Brief(BaseModel):
    """What generate-content is given. What is null or left out, nobody has said."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    campaign_id: str = Field(min_length=1, max_length=128)
    run_id: RunId | None = Field(default=None, description="Whose drafts they are; by default a run of their own.")
    name: ShortText | None = Field(default=None, description="Of the campaign, as people call it.")
    type: Channel | None = Field(default=None, description="The campaign's first channel.")
    audience: ShortText | None = None
    channels: tuple[Channel, ...] = Field(default=(), max_length=8, description="Further channels.")
    subject: ShortText | None = None
    offers: Offers = Offers()
    message: Annotated[str, StringConstraints(max_length=LONGEST_MESSAGE)] | None = Field(
        default=None, description="What the campaign is to say."
    )

    @field_validator("offers", "channels", mode="before")
    @classmethod
    def _may_be_null(cls, given: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if given is None else given

    def wanted(self) -> tuple[Channel, ...]:
        """The channels to write for, each once: email where none is named."""
        named = (*([self.type] if self.type else []), *self.channels)
        return tuple(dict.fromkeys(named)) or (Channel.EMAIL,)


class Written(BaseModel):
    """The text for one channel."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    channel: Channel
    subject: str | None = Field(
        default=None, description="The email's subject, or the push message's title, else null."
    )
    body: str


class Copy(BaseModel):
    """The texts of a marketing campaign, one for each channel that is asked for."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    texts: tuple[Written, ...]
