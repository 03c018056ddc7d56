"""Stories: stored, scored at once, and scored better in the background."""

import re
from typing import Annotated
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import Field, ValidationError

from backstay.access.key import Scope
from backstay.clock import utc_now

from .failures import refusal_of_findings
from .gate import caller_of, needs, routes
from .job_shapes import Job, JobRequest, Priority
from .job_view import job_of
from .problems import Kind, Refusal, invalid
from .services import services
from .shapes import JsonObject, Shape, TenantName
from .submitting import submit

router = routes()

TASK = "enhance-story"

_READABLE_ID = re.compile(r"(?!\.{1,2}$)[-._~()'!*:@,;=+&$<> \[\]{}|^\w]+")
"""What can stand in a path, whether or not the gateway has decoded it on the way."""


class StoredStory(Shape):
    """A story and its scores."""

    story: JsonObject
    local_scores: Annotated[JsonObject, Field(description="From the text alone.")]
    enhanced: Annotated[JsonObject | None, Field(description="What came of the job, once it has ended.")]


class AcceptedStory(Shape):
    """A story that is stored, and the job that scores it."""

    story_id: str
    local_scores: JsonObject
    job: Job


Tenant = Annotated[TenantName | None, Query(description="Whose story it is.")]


@router.post(
    "/api/stories",
    security=needs(Scope.SUBMIT),
    tags=["stories"],
    summary="Store a story and have it scored",
    status_code=202,
    openapi_extensions={"x-answers-too": {"200": "The same edit was submitted before"}},
)
def create_story(
    story: Annotated[JsonObject, Body(description="The input of the task `enhance-story`.")],
    tenant: Tenant = None,
    priority: Annotated[Priority, Query(description="Of the job.")] = "normal",
) -> Response[AcceptedStory]:
    """Answers the local scores at once. An edited story is stored and scored anew; the same edit again is harmless."""
    from enhance_story.models import Story
    from enhance_story.scores import local_scores
    from enhance_story.stories import put_story

    caller = caller_of(router)
    whose = caller.tenant_for(tenant)
    try:
        edit = Story.model_validate(story)
    except ValidationError as error:
        raise refusal_of_findings([dict(finding) for finding in error.errors(include_url=False)]) from error
    if not _READABLE_ID.fullmatch(edit.id):
        raise invalid("id", "may not be '.' or '..' nor hold any of / % ? # \\ \" `, since it stands in a URL", edit.id)
    scores = local_scores(edit)
    put_story(whose, edit, scores, utc_now(), services().contents)
    submitted = submit(JobRequest(task=TASK, input=story, tenant=whose, priority=priority), caller)
    return Response(
        status_code=202 if submitted.created else 200,
        content_type=content_types.APPLICATION_JSON,
        headers={"Location": f"/api/stories/{quote(edit.id, safe='')}"},
        body=AcceptedStory(story_id=edit.id, local_scores=scores.model_dump(mode="json"), job=job_of(submitted.record)),
    )


@router.get("/api/stories/<story_id>", security=needs(Scope.READ), tags=["stories"], summary="Read a story")
def get_story(story_id: Annotated[str, Path(description="The story's own id.")], tenant: Tenant = None) -> StoredStory:
    """The newest edit, with both sets of scores once its job has ended."""
    from enhance_story.stories import get_story as read

    found = read(caller_of(router).tenant_for(tenant), unquote(story_id), services().contents)
    if found is None:
        raise Refusal(Kind.NOT_FOUND, f"there is no story {story_id[:100]!r}")
    return StoredStory.model_validate(found.model_dump(mode="json"))
