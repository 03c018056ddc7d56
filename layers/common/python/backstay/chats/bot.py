"""A bot's settings: one for each user of each tenant."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

LARGEST_BOT_BYTES = 350_000
"""Of all its texts together: an item of DynamoDB holds 400 kB."""

MOST_DOCUMENTS = 200


class Document(BaseModel):
    """Something that a bot knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    content: Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,40}$")] = Field(
        default="", description="Such as `faq` or `pricing`; the model is shown more of documents about pricing."
    )


class Bot(BaseModel):
    """How a bot answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    system_prompt: Annotated[str, StringConstraints(max_length=20_000)] = Field(
        default="", description="Who it is and how it answers; by default that of backstay.toml."
    )
    fallback_text: Annotated[str, StringConstraints(max_length=4_000)] = Field(
        default="", description="What it answers when no model can be had; without one, such a message's job fails."
    )
    documents: Annotated[tuple[Document, ...], Field(max_length=MOST_DOCUMENTS)] = ()

    @model_validator(mode="after")
    def _fits_into_an_item(self) -> "Bot":
        texts = [self.system_prompt, self.fallback_text]
        texts += [text for document in self.documents for text in (document.title, document.content)]
        size = sum(len(text.encode(errors="replace")) for text in texts)
        if size > LARGEST_BOT_BYTES:
            raise ValueError(f"its texts have {size} bytes, and may have {LARGEST_BOT_BYTES}; leave something out")
        return self
