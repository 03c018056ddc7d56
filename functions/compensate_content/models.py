"""What came of taking content back."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class TakenBack(BaseModel):
    """One kind of what generate-content leaves."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    type: Literal["content", "resources", "cache"]
    success: bool
    items: tuple[str, ...]
    """What is gone; what was gone before counts too."""
    why: str | None = None
    """Why not all of it is."""


class Compensated(BaseModel):
    """What comes of a job."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    saga_id: str
    compensated: bool
    """Whether nothing is left that lasts. A cached answer that could not be dropped lapses within ten minutes."""
    results: tuple[TakenBack, ...]
