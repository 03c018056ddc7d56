"""enhance-story: local scores at once, a model's in the background."""

import time

from backstay.running import current_job
from backstay.task import Failure, Job, Task, llm

from .models import Assessment, EnhancedStory, Scores, Story
from .prompt import prompt
from .scores import local_scores
from .stories import put_enhanced, put_story

task = Task(
    name="enhance-story",
    input=Story,
    output=EnhancedStory,
    timeout=60,
    max_attempts=3,
    backoff=2,
    concurrency=20,
    priorities=True,
    uses=("llm", "content"),
)


@task.preview
def preview(story: Story) -> Scores:
    """What a caller has to show at once."""
    return local_scores(story)


@task.key
def key(story: Story) -> str:
    """An edited story is enhanced anew."""
    return f"{story.id}:{story.fingerprint()}"


@task.run
def enhance(story: Story, job: Job) -> EnhancedStory:
    """Ask a model; where there is none to ask, the local scores must do."""
    began = time.monotonic()
    try:
        assessment = llm.complete(prompt(story), output=Assessment).to_one_decimal()
    except llm.NotConfigured as error:
        return _kept(job, story, _local_only(story, str(error), began))
    by_model = EnhancedStory(
        story_id=story.id,
        local_scores=local_scores(story),
        enhanced_scores=assessment,
        source="model",
        processing_ms=_ms_since(began),
    )
    return _kept(job, story, by_model)


@task.fallback
def settle_for_local_scores(story: Story, failure: Failure) -> EnhancedStory:
    """The model has failed for good: the job completes all the same, and says why its scores are local."""
    if (job := current_job.get()) is None:
        raise LookupError("a fallback needs the job that failed in current_job, to keep the story as its tenant's")
    why = f"{failure.error_class.value}: {failure.message}"
    return _kept(job, story, _local_only(story, why, time.monotonic()))


def _local_only(story: Story, why: str, began: float) -> EnhancedStory:
    return EnhancedStory(
        story_id=story.id,
        local_scores=local_scores(story),
        enhanced_scores=None,
        source="local",
        why=why,
        processing_ms=_ms_since(began),
    )


def _kept(job: Job, story: Story, enhanced: EnhancedStory) -> EnhancedStory:
    put_story(job.tenant, story, enhanced.local_scores, job.submitted_at)
    put_enhanced(job.tenant, story, enhanced)
    return enhanced


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
