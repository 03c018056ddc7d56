"""A customer's message, and the reply to it."""

from pydantic import BaseModel, ConfigDict, Field

from backstay.chats.names import ChatName
from backstay.chats.turn import Format

LONGEST_TEXT = 4_000


class ChatMessage(BaseModel):
    """What a customer says to a bot."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    session_id: ChatName = Field(description="The conversation; its messages are answered in order.")
    user_id: ChatName = Field(description="Whose bot answers.")
    message_id: ChatName = Field(description="The same message again is the same job.")
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    format: Format = Field(default="plain", description="How the reply is to be written.")


class ChatReply(BaseModel):
    """What is answered."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    reply: str
    format: Format
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    latency_ms: int = Field(ge=0, description="From when the model was asked to when the reply was ready.")
    fallback: bool = Field(default=False, description="Whether it is the bot's fallback text: no model could be had.")
