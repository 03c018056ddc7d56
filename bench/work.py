"""Jobs to measure with: about 2 KB of input each, no two alike."""

from pathlib import Path
from typing import Any

_PROSE = Path(__file__).with_name("prose")


def prose(name: str) -> str:
    """A text on file as one line."""
    return " ".join((_PROSE / f"{name}.txt").read_text(encoding="utf-8").split())


_STORY = prose("story")


def text_of(number: int) -> str:
    """About 2 KB of prose that differs from job to job."""
    return f"Story {number}. {_STORY} Filed under number {number:06d}."


def question(number: int) -> dict[str, Any]:
    """Input of the tasks that ask a model."""
    return {"text": text_of(number)}


def story(number: int) -> dict[str, Any]:
    """Input of the task enhance-story."""
    return {
        "id": f"bench-{number}",
        "title": f"Assistant reads court files, says startup number {number}",
        "content": text_of(number),
        "sector_tag": "ai",
        "impact_tags": ["privacy"],
    }


INPUTS = {"ask-model": question, "ask-cached": question, "enhance-story": story}
"""How to make an input, by task."""
