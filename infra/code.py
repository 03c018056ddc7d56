"""What a function's code is made of: folders of functions/, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

from backstay.alerts.telling import ALERT_TASK
from backstay.catalog import AnyTask, Catalog
from backstay.errors import BackstayError
from infra.build import BuildDirectory, copy_sources, digest
from infra.packages import Platform, compile_bytecode

FUNCTIONS = (
    "api",
    "check_credits",
    "follow_changes",
    "follow_ledger",
    "live",
    "route_alerts",
    "sweep",
    "try_provider",
    "watch_workflows",
)
"""The folders that are Lambdas without being tasks; each has a construct of its own."""

WEBHOOK_TASK = "deliver-webhook"
"""The task by which every other one tells that a job is over."""

WAKE_TASK = "wake-parked-jobs"
"""The task by which jobs go on when a budget's limit was raised."""

_NEEDED_TASKS = {
    WEBHOOK_TASK: "callbacks are sent",
    ALERT_TASK: "people are told of alerts",
    WAKE_TASK: "jobs go on that wait for a budget",
}

MAY_SUBMIT_ANY = frozenset({"jobs", "dead-letters"})
"""A task that uses one of these sends jobs of any task, so that its code holds every task's declaration."""


class MisplacedFolderError(BackstayError):
    """A folder below functions/ is neither a task nor a function that the stack knows."""


@dataclass(frozen=True, slots=True)
class FunctionsFolder:
    """The folder `functions/`, and how its code is packed."""

    root: Path
    platform: Platform
    build: BuildDirectory

    def catalog(self) -> Catalog:
        """The tasks.

        Raises:
            MisplacedFolderError: a function or task that every stack has is missing, or a folder is of no known kind.
        """
        handlers = {path.parent.name for path in self.root.glob("*/handler.py")}
        if missing := sorted(set(FUNCTIONS) - handlers):
            raise MisplacedFolderError(f"{self.root} lacks {', '.join(f'{name}/handler.py' for name in missing)}")
        if unknown := sorted(handlers - set(FUNCTIONS)):
            raise MisplacedFolderError(
                f"{self.root} holds {', '.join(f'{name}/handler.py' for name in unknown)}, which nothing would deploy; "
                "a task is declared in task.py, and its handler is derived"
            )
        catalog = Catalog(self.root)
        for name, meaning in _NEEDED_TASKS.items():
            if name not in catalog.names:
                folder = name.replace("-", "_")
                raise MisplacedFolderError(f"{self.root} lacks {folder}/task.py, by which {meaning}")
        return catalog

    def code_of_task(self, task: AnyTask) -> lambda_.Code:
        """A worker's code: its own folder, and those of the tasks that it may send jobs to."""
        if MAY_SUBMIT_ANY & set(task.uses):
            return self._pack(task.name, self._folders_of_tasks())
        return self._pack(task.name, [self._folder_of(name) for name in sorted({task.name, WEBHOOK_TASK})])

    def code_of_function(self, folder: str) -> lambda_.Code:
        """A function's own folder, and every task's, whose declarations it reads."""
        return self._pack(folder.replace("_", "-"), [self.root / folder, *self._folders_of_tasks()])

    def _folder_of(self, task_name: str) -> Path:
        return self.root / task_name.replace("-", "_")

    def _folders_of_tasks(self) -> list[Path]:
        return sorted(path.parent for path in self.root.glob("*/task.py"))

    def _pack(self, name: str, folders: Sequence[Path]) -> lambda_.Code:
        bytecode = self.platform.python if self.platform.interpreter else "none"
        made_from = digest(bytecode, folders=folders)
        return lambda_.Code.from_asset(
            str(self.build.get(f"code-{name}", made_from, partial(_gather, folders, self.platform)))
        )


def _gather(folders: Sequence[Path], platform: Platform, target: Path) -> None:
    for folder in folders:
        copy_sources(folder, target / folder.name)
    compile_bytecode(target, platform, "/var/task")
