"""Stories in the content table: the newest edit of each, and the scores of every edit."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from backstay.content import Contents, contents

from .models import EnhancedStory, Scores, Story


class StoredStory(BaseModel):
    """A story as it is kept, with both sets of scores once its job has ended."""

    model_config = ConfigDict(frozen=True)

    story: Story
    local_scores: Scores
    enhanced: EnhancedStory | None = None


def put_story(tenant: str, story: Story, local: Scores, submitted_at: datetime, store: Contents | None = None) -> bool:
    """Keep a story; answers False where the same edit or a newer one is kept already.

    Args:
        tenant: whose it is.
        story: this edit of it.
        local: its local scores.
        submitted_at: orders the edits. Store before submitting: a job's own time must not be the earlier one.
        store: the content table by default.
    """
    body = {"story": story.model_dump(mode="json"), "local_scores": local.model_dump()}
    return (store or contents()).put_edit(
        tenant, _story_part(story.id), body, fingerprint=story.fingerprint(), edited_at=submitted_at
    )


def put_enhanced(tenant: str, story: Story, enhanced: EnhancedStory, store: Contents | None = None) -> None:
    """Keep what came of a story's job. It belongs to this edit, and never shows with another."""
    (store or contents()).put(tenant, _scores_part(story), enhanced.model_dump(mode="json"))


def get_story(tenant: str, story_id: str, store: Contents | None = None) -> StoredStory | None:
    """The newest edit of a story with its scores, or None."""
    shelf = store or contents()
    kept = shelf.get(tenant, _story_part(story_id))
    if kept is None:
        return None
    stored = StoredStory.model_validate(kept)
    enhanced = shelf.get(tenant, _scores_part(stored.story))
    return stored.model_copy(update={"enhanced": EnhancedStory.model_validate(enhanced)}) if enhanced else stored


def _story_part(story_id: str) -> str:
    return f"story#{story_id}"


def _scores_part(story: Story) -> str:
    return f"scores#{story.id}#{story.fingerprint()}"
