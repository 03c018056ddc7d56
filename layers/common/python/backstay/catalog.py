"""The tasks that a deployment has: found by folder, imported only when first asked for."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from backstay.errors import BackstayError
from backstay.task import Task

AnyTask = Task[BaseModel, BaseModel]


class UnknownTaskError(BackstayError):
    """No folder declares a task of this name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no task {name!r}; the tasks are {', '.join(known) or 'none'}")
        self.name, self.known = name, known


class MisdeclaredTaskError(BackstayError):
    """A task's folder does not hold what its name promises."""


class Catalog:
    """The tasks below one folder, `functions/` in the repository and the root of every Lambda's code."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tasks: dict[str, AnyTask] = {}
        self.names = tuple(sorted(path.parent.name.replace("_", "-") for path in root.glob("*/task.py")))

    def get(self, name: str) -> AnyTask:
        """The task of this name.

        Raises:
            UnknownTaskError: no folder declares it; the error lists the known names.
            MisdeclaredTaskError: the folder's `task.py` has no `task`, or one of another name.
        """
        if name not in self._tasks:
            self._tasks[name] = self._load(name)
        return self._tasks[name]

    def __iter__(self) -> Iterator[AnyTask]:
        return (self.get(name) for name in self.names)

    def _load(self, name: str) -> AnyTask:
        if name not in self.names:
            raise UnknownTaskError(name, self.names)
        if str(self._root) not in sys.path:
            sys.path.insert(0, str(self._root))
        folder = name.replace("-", "_")
        module = importlib.import_module(f"{folder}.task")
        task: Any = getattr(module, "task", None)
        if not isinstance(task, Task):
            raise MisdeclaredTaskError(f"functions/{folder}/task.py must assign a Task to the name 'task'")
        if task.name != name:
            raise MisdeclaredTaskError(
                f"functions/{folder}/task.py declares task {task.name!r}; rename the folder to "
                f"{task.name.replace('-', '_')!r} or the task to {name!r}"
            )
        return task
