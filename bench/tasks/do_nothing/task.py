"""A task that does nothing: what is measured around it is Backstay's own."""

from pydantic import BaseModel

from backstay.task import Job, Task


class Parcel(BaseModel):
    """What is passed on."""

    content: str = ""


task = Task(name="do-nothing", input=Parcel, output=Parcel)


@task.run
def do_nothing(parcel: Parcel, job: Job) -> Parcel:  # noqa: ARG001 - a task's function takes its job
    """Hand it on."""
    return parcel
