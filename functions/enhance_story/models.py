"""A story, and the scores that it gets."""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Tag = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Score = Annotated[float, Field(ge=0, le=10)]
Summary = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Story(BaseModel):
    """A story about technology, as a newsroom submits it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=128)
    title: str = Field(min_length=1, max_length=300)
    content: str = Field(min_length=1, max_length=50_000)
    sector_tag: str = Field(default="", max_length=60)
    impact_tags: tuple[Tag, ...] = Field(default=(), max_length=20)

    def fingerprint(self) -> str:
        """A hash of all that the scores depend on: an edited story has another."""
        scored = [self.title, self.content, self.sector_tag, self.impact_tags]
        return hashlib.sha256(json.dumps(scored).encode()).hexdigest()[:32]


class Scores(BaseModel):
    """How a story reads, each 0 to 10 with one decimal."""

    model_config = ConfigDict(frozen=True)

    hype_score: Score
    """0 sober, 10 nothing but promises."""
    ethics_score: Score
    """How much ethical questions weigh in it: 0 not at all, 10 it is about little else."""


class Assessment(Scores):
    """A model's reading of a story."""

    hype_score: Score = Field(description="0 is sober reporting, 10 is nothing but promises. One decimal.")
    ethics_score: Score = Field(
        description="How much questions of privacy, bias, safety, consent and labour weigh in it: "
        "0 is not at all, 10 is that it is about little else. One decimal."
    )
    reality_check: Summary = Field(description="What in it needs checking, and against what. At most 500 characters.")
    eli5_summary: Summary = Field(description="The story told to a child of five. At most 500 characters.")

    def to_one_decimal(self) -> "Assessment":
        """The same, with scores as they are kept."""
        rounded = {"hype_score": round(self.hype_score, 1), "ethics_score": round(self.ethics_score, 1)}
        return self.model_copy(update=rounded)


class EnhancedStory(BaseModel):
    """What comes of a job."""

    model_config = ConfigDict(frozen=True)

    story_id: str
    local_scores: Scores
    enhanced_scores: Assessment | None
    source: Literal["model", "local"]
    """Whose scores count: the model's, or the local ones where no model could be had."""
    why: str | None = None
    """Why the scores are local."""
    processing_ms: int = Field(ge=0)
