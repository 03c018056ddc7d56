"""Pausing a task: its queues go on taking jobs, and its worker takes none until it is resumed.

A batch that a worker has been handed already is finished. What the event source had received and not yet handed over
comes back when its visibility ends, without an attempt used up.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backstay import aws
from backstay.errors import BackstayError
from backstay.jobs.counter_store import CounterStore
from backstay.settings import Environment

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef

_STOPPED = frozenset({"Disabled", "Disabling"})


class PausingError(BackstayError):
    """A task can't be paused or resumed now; the text says why."""


class Pausing:
    """Switches the event sources of tasks' workers off and on."""

    def __init__(self, env: Environment) -> None:
        self._env, self._counters = env, CounterStore(env.jobs_table)

    def pause(self, task: str) -> None:
        """Stop handing jobs to a task's worker. Harmless when repeated.

        Args:
            task: the name of a task that there is.

        Raises:
            PausingError: the task has no event source, or AWS is still changing one; try again in a minute.
        """
        self._switch(task, on=False)
        self._counters.note_paused(task, paused=True)

    def resume(self, task: str) -> None:
        """Go on. Harmless when repeated.

        Raises:
            PausingError: as `pause` does.
        """
        self._switch(task, on=True)
        self._counters.note_paused(task, paused=False)

    def is_paused(self, task: str) -> bool:
        """Whether none of a task's queues is read, as Lambda itself says; also true when somebody did it by hand."""
        return all(mapping.get("State") in _STOPPED for mapping in self._mappings(task))

    def _switch(self, task: str, *, on: bool) -> None:
        client = aws.awslambda()
        for mapping in self._mappings(task):
            try:
                client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
            except client.exceptions.ResourceInUseException as error:
                state = mapping.get("State", "changing")
                message = f"an event source of {task!r} is {state!r}; try again in a minute"
                raise PausingError(message) from error

    def _mappings(self, task: str) -> "list[EventSourceMappingConfigurationTypeDef]":
        found = list(self._pages(task))
        if not found:
            raise PausingError(f"no event source feeds {self._env.function_prefix}{task}; is the stack deployed?")
        return found

    def _pages(self, task: str) -> "Iterator[EventSourceMappingConfigurationTypeDef]":
        pages = aws.awslambda().get_paginator("list_event_source_mappings")
        for page in pages.paginate(FunctionName=f"{self._env.function_prefix}{task}"):
            yield from page["EventSourceMappings"]
