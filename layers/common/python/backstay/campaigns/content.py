"""What generate-content makes, and what compensate-content needs to take it back."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backstay.campaigns.brief import Channel, RunId
from backstay.workflows.resources import Resource

CacheKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ContentId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]


class Piece(BaseModel):
    """The content for one channel, within the channel's limits."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    content_id: ContentId
    channel: Channel
    subject: str | None
    """A push message's title too; None for channels that have neither."""
    body: str
    source: Literal["model", "template"]
    repairs: tuple[str, ...] = ()
    """What was changed to keep to the channel's limits, and why it isn't the model's, where it isn't."""


class Content(BaseModel):
    """The content of a campaign, by channel."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    email: Piece | None = None
    sms: Piece | None = None
    push: Piece | None = None
    social: Piece | None = None

    def pieces(self) -> tuple[Piece, ...]:
        """Those that there are."""
        return tuple(piece for piece in (self.email, self.sms, self.push, self.social) if piece)


class Compensation(BaseModel):
    """What to take back. Of a run whose output nobody has seen, what isn't given is looked up."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    saga_id: RunId = Field(description="The run that the content was made for.")
    content_ids: tuple[ContentId, ...] | None = Field(
        default=None, max_length=100, description="Drafts to delete; by default all of the run's."
    )
    resources: tuple[Resource, ...] | None = Field(
        default=None, max_length=100, description="Reservations to release; by default all of the run's."
    )
    cache_keys: tuple[CacheKey, ...] | None = Field(
        default=None,
        max_length=100,
        description="Cached answers to drop; by default those that the run's content names.",
    )


class GeneratedContent(BaseModel):
    """What comes of a job of generate-content."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    run_id: str
    campaign_id: str
    content: Content
    content_ids: tuple[ContentId, ...]
    resources: tuple[Resource, ...]
    """Templates and validators that the run holds."""
    cache_keys: tuple[CacheKey, ...]
    """Under which a model's answer may stand in the cache."""
    compensation: Compensation
    """The input of compensate-content that takes all of this back."""
    source: Literal["model", "template"]
    why: str | None = None
    """Why no model wrote it."""
