"""What calls would cost on other routes: asked of the function that knows prices, by those that don't carry them."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class Question(BaseModel):
    """One call, as it could be made."""

    model_config = ConfigDict(frozen=True)

    route: str
    input_tokens: int
    """All of them, cached or not."""
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class Questions(BaseModel):
    """What is asked for at once."""

    model_config = ConfigDict(frozen=True)

    quotes: tuple[Question, ...]


class Quotes(BaseModel):
    """The answers, in the order of the questions."""

    model_config = ConfigDict(frozen=True)

    usd: tuple[Decimal | None, ...]
    """None where nobody has priced the model, or its provider is gone from backstay.toml."""
