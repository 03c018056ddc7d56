"""A command about campaigns, and what is understood of it."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from backstay.campaigns.brief import Channel, Offers, RunId, ShortText
from backstay.campaigns.listing import Standing

LONGEST_COMMAND = 10_000
Priority = Literal["high", "normal", "low"]
Tag = Annotated[str, StringConstraints(max_length=60)]


class Intent(StrEnum):
    """What a command asks for."""

    CREATE_EMAIL_CAMPAIGN = "create_email_campaign"
    CREATE_SMS_CAMPAIGN = "create_sms_campaign"
    GET_CAMPAIGN_STATUS = "get_campaign_status"
    LIST_CAMPAIGNS = "list_campaigns"
    HELP = "help"

    @property
    def creates(self) -> bool:
        """Whether something comes of it that reaches people."""
        return self in (Intent.CREATE_EMAIL_CAMPAIGN, Intent.CREATE_SMS_CAMPAIGN)


class Words(BaseModel):
    """The command itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    command: str = Field(
        min_length=1,
        max_length=LONGEST_COMMAND,
        validation_alias=AliasChoices("command", "text", "message"),
        description="Or by the name of text or message.",
    )
    priority: Priority | None = None

    @field_validator("command")
    @classmethod
    def _says_something(cls, command: str) -> str:
        if not command.strip():
            raise ValueError("says nothing; it has white space only")
        return command


class Context(BaseModel):
    """Who speaks, and from where. The user's name is kept with the command and not shown to a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    user: ShortText | None = None
    user_type: ShortText | None = Field(default=None, description="Such as marketer; answers are cached apart by it.")
    channel: ShortText | None = Field(default=None, description="Where it was said, such as slack.")
    organisation: ShortText | None = None


class CampaignStart(BaseModel):
    """What the saga launch-campaign is started with."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    command: Words = Field(description="A text of 1 to 10,000 characters, or an object that has it.")
    context: Context = Context()

    @field_validator("command", mode="before")
    @classmethod
    def _takes_a_text(cls, command: Any) -> Any:
        return {"command": command} if isinstance(command, str) else command


class Command(CampaignStart):
    """What parse-command is given."""

    run_id: RunId | None = Field(default=None, description="Whose command it is; by default a run of its own.")
    workflow_type: ShortText = Field(default="launch-campaign", description="Answers are cached apart by it.")


class Timing(BaseModel):
    """When a campaign is to be sent."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    type: Literal["immediate", "scheduled", "recurring"]
    schedule_time: ShortText | None = Field(default=None, description="ISO 8601 in UTC, if it can be told.")
    frequency: ShortText | None = Field(default=None, description="Such as daily, weekly, monthly.")


class Parameters(BaseModel):
    """What a command says of a campaign. What it doesn't say is null or empty."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: ShortText | None = None
    type: Channel | None = Field(default=None, description="The channel that the campaign is for.")
    subject: ShortText | None = None
    message: Annotated[str, StringConstraints(max_length=LONGEST_COMMAND)] | None = Field(
        default=None, description="What the campaign is to say, in the words of the command."
    )
    audience: ShortText | None = None
    timing: Timing | None = Field(default=None, description="Null where the command says nothing of time.")
    channels: tuple[Channel, ...] = Field(default=(), max_length=8)
    priority: Priority | None = None
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    offers: Offers = Offers()


class Entities(BaseModel):
    """Phrases of the command, as they stand there."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    dates: tuple[ShortText, ...] = Field(default=(), max_length=50)
    percentages: tuple[ShortText, ...] = Field(default=(), max_length=50)
    promo_codes: tuple[ShortText, ...] = Field(default=(), max_length=50)
    audiences: tuple[ShortText, ...] = Field(default=(), max_length=50)
    channels: tuple[ShortText, ...] = Field(default=(), max_length=50)


class Understanding(BaseModel):
    """What a command about marketing campaigns means."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    intent: Intent
    confidence: float = Field(ge=0, le=1, description="How sure you are of the intent and the parameters, 0 to 1.")
    parameters: Parameters
    extracted_entities: Entities
    summary: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description="What is asked for, in one sentence."
    )


class Insights(BaseModel):
    """What the run's earlier commands tell."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    commands_in_run: int = Field(ge=1, description="This one counted.")
    similar_recent: tuple[str, ...] = Field(
        description="Of the last ten, those that share half of their words with it."
    )


class Workflow(BaseModel):
    """What follows from a command."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    run_id: str
    recommended_next_actions: tuple[str, ...]
    continuation: tuple[str, ...]
    can_proceed: bool
    requires_approval: bool
    insights: Insights


class Reply(BaseModel):
    """The answer to a command that creates nothing."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    text: str
    campaigns: tuple[Standing, ...] = Field(default=(), description="The newest first, ten at most.")
    examples: tuple[str, ...] = ()


class ParsedCommand(Understanding):
    """What comes of a job."""

    workflow: Workflow
    creates: bool
    """Whether the intent is to create a campaign."""
    answer: Reply | None = None
    """For commands that create nothing."""
    source: Literal["model", "rules"]
    """Who understood it: a model, or the rules where none could be had."""
    why: str | None = None
    """Why it was the rules."""
