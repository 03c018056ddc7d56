"""What became of one tiny call of a provider: found by the function that makes it, passed on by the API."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FUNCTION = "try-provider"
"""The Lambda that makes the call, by its name without stage."""

LONGEST_S = 18.0
"""The call itself; the API must answer within 29 seconds, of which a cold start and the SDK's import take some too."""


class Trial(BaseModel):
    """What became of one tiny call."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    provider: str
    model: str
    ok: bool
    message: Annotated[str, Field(description="What happened, and what to do about it.")]
    error_class: Annotated[str | None, Field(description="Class of the failure.")]
    latency_ms: int
    input_tokens: int
    output_tokens: int
    cost_usd: Annotated[Decimal | None, Field(description="None where nobody has priced the model.")]
