"""Pausing a task, and going on."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from backstay.access.key import Scope

from .gate import caller_of, needs, require_every_tenant, routes
from .problems import Kind, Refusal
from .services import services
from .shapes import Shape

router = routes()

TaskName = Annotated[str, Path(description="The task's name.")]


class TaskState(Shape):
    """Whether a task's jobs are being run."""

    task: str
    paused: bool


@router.post(
    "/api/tasks/<name>/pause",
    security=needs(Scope.OPERATE),
    tags=["operation"],
    summary="Pause a task",
    openapi_extensions={"x-refuses": [409]},
)
def pause_task(name: TaskName) -> TaskState:
    """Its queues go on taking jobs; none is run until it is resumed. Concerns every tenant, so the key must too."""
    services().pausing.pause(_checked(name))
    return TaskState(task=name, paused=True)


@router.post(
    "/api/tasks/<name>/resume",
    security=needs(Scope.OPERATE),
    tags=["operation"],
    summary="Resume a task",
    openapi_extensions={"x-refuses": [409]},
)
def resume_task(name: TaskName) -> TaskState:
    """Its jobs are run again. Concerns every tenant, so the key must too."""
    services().pausing.resume(_checked(name))
    return TaskState(task=name, paused=False)


def _checked(name: str) -> str:
    require_every_tenant(caller_of(router), "pausing and resuming")
    names = services().catalog.names
    if name not in names:
        raise Refusal(Kind.NOT_FOUND, f"there is no task {name[:100]!r}; the tasks are {', '.join(names) or 'none'}")
    return name
