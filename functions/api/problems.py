"""Problem details (RFC 9457): how every refusal and every failure of the API is told."""

from collections.abc import Mapping
from enum import Enum

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


class Kind(Enum):
    """What can go wrong: the last part of the problem's type, its status and its title."""

    MALFORMED = ("malformed-request", 400, "The request can't be read")
    UNAUTHENTICATED = ("unauthenticated", 401, "A valid API key is needed")
    FORBIDDEN = ("forbidden", 403, "The API key may not do this")
    NOT_FOUND = ("not-found", 404, "There is no such thing")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "The method does not exist here")
    CONFLICT = ("conflict", 409, "The request conflicts with what there is")
    GONE = ("gone", 410, "It is past its retention")
    TOO_LARGE = ("too-large", 413, "The request is too large")
    UNSUPPORTED_MEDIA = ("unsupported-media-type", 415, "The body must be JSON")
    INVALID = ("invalid-request", 422, "The request does not fit")
    TOO_MANY = ("too-many-requests", 429, "Too much at once")
    INTERNAL = ("internal", 500, "Something went wrong here")
    UNAVAILABLE = ("unavailable", 503, "Try again in a moment")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.type, self.status, self.title = f"urn:backstay:problem:{slug}", status, title


class FieldProblem(BaseModel):
    """One field at fault."""

    model_config = ConfigDict(defer_build=True)

    field: str = Field(description="Path of the field, such as `input.title` or `limit`.")
    message: str = Field(description="What is wrong with it, and what it may be.")
    value: str | None = Field(default=None, description="What was sent, shortened.")


class Problem(BaseModel):
    """Problem details of RFC 9457."""

    model_config = ConfigDict(
        defer_build=True,
        json_schema_extra={
            "example": {
                "type": "urn:backstay:problem:invalid-request",
                "title": "The request does not fit",
                "status": 422,
                "detail": "1 field is at fault",
                "instance": "/api/jobs",
                "correlation_id": "JKJaXmPLvHcESHA=",
                "errors": [{"field": "input.title", "message": "required; add it"}],
            }
        },
    )

    type: str = Field(description="Stable identifier of the kind of problem.")
    title: str = Field(description="The kind of problem, for people.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened here, with the value at fault and what to do.")
    instance: str = Field(description="Path of the request.")
    correlation_id: str = Field(description="Finds this request in the logs.")
    errors: list[FieldProblem] = Field(default=[], description="The fields at fault, where fields are.")
    job: str | None = Field(default=None, description="Path of the job that is in the way.")


class Refusal(Exception):  # noqa: N818 - a verdict about a request, not a fault of the program
    """Raised by a route that can't do what was asked; becomes the answer."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
        job: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.errors, self.headers, self.job = kind, detail, errors, dict(headers or {}), job


def invalid(field: str, message: str, value: str | None = None) -> Refusal:
    """A refusal over one field."""
    errors = (FieldProblem(field=field, message=message, value=value),)
    return Refusal(Kind.INVALID, f"{field}: {message}", errors=errors)


def problem_of(refusal: Refusal, instance: str, correlation_id: str) -> Problem:
    """The refusal as problem details."""
    return Problem(
        type=refusal.kind.type,
        title=refusal.kind.title,
        status=refusal.kind.status,
        detail=refusal.detail,
        instance=instance,
        correlation_id=correlation_id,
        errors=list(refusal.errors),
        job=refusal.job,
    )


def answer_of(refusal: Refusal, instance: str, correlation_id: str) -> Response[str]:
    """The refusal as an HTTP answer."""
    problem = problem_of(refusal, instance, correlation_id)
    return Response(
        status_code=refusal.kind.status,
        content_type=MEDIA_TYPE,
        body=problem.model_dump_json(exclude_defaults=True),
        headers=refusal.headers,
    )
