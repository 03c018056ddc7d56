"""Synthesising takes seconds, so that each stack is synthesised once and looked at by many tests."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.app import build
from infra.code import FUNCTIONS
from infra.packages import REPOSITORY
from tests.infra.template import Template

if TYPE_CHECKING:
    from aws_cdk import App

TASK = """
from backstay.task import Job, Task
from pydantic import BaseModel

class Numbers(BaseModel):
    numbers: list[int]

class Sum(BaseModel):
    total: int

task = Task(name={name!r}, input=Numbers, output=Sum{options})

@task.run
def add(numbers: Numbers, job: Job) -> Sum:
    return Sum(total=sum(numbers.numbers))
"""

EVERY_USE = frozenset(
    {
        "chats",
        "content",
        "dead-letters",
        "idempotency",
        "jobs",
        "llm",
        "outbound-http",
        "outbound-secrets",
        "tenant-data",
    }
    | {"alerts", "announcements", "answers", "parked-jobs", "webhook-secrets", "workflows"}
)

HANDLER = "def handler(event, context):\n    return {}\n"


def write_task(functions: Path, name: str, options: str = "") -> None:
    """A task's folder as its author would write it."""
    folder = functions / name.replace("-", "_")
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "task.py").write_text(TASK.format(name=name, options=f", {options}" if options else ""))


def write_functions(functions: Path) -> None:
    """The functions that are no tasks, and the one task that every stack has."""
    for name in FUNCTIONS:
        (functions / name).mkdir(parents=True)
        (functions / name / "__init__.py").touch()
        (functions / name / "handler.py").write_text(HANDLER)
    write_task(functions, "deliver-webhook", 'uses=("webhook-secrets", "outbound-http")')
    write_task(functions, "wake-parked-jobs", 'uses=("jobs", "parked-jobs")')
    write_task(functions, "deliver-alert", 'uses=("alerts",)')


def new_app(outdir: Path | None = None, **ours: str) -> "App":
    """An app with the context that the CDK CLI would give it."""
    from aws_cdk import App  # starts Node, which `import infra` has put on the PATH

    from_file: dict[str, object] = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    context = from_file | {"layer_platform": "host", "stage": "dev"} | ours
    if "functions" in ours and "sagas" not in ours:
        context["sagas"] = str(Path(ours["functions"]) / "no-sagas")  # the app's own need the app's tasks
    return App(outdir=str(outdir) if outdir else None, context=context)


def synthesise(outdir: Path, **ours: str) -> Template:
    """What the CDK CLI would deploy; fails where cdk-nag finds something."""
    app = new_app(outdir, **ours)
    stack = build(app)
    app.synth()
    watching = Template.read(outdir / f"{stack.watching.stack_name}.template.json")
    return Template.read(outdir / f"{stack.stack_name}.template.json", watching)


@pytest.fixture(scope="session")
def clean_imports() -> Iterator[None]:
    """Whatever the catalog imported from temporary folders must not be found by other tests."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.split(".")[0] in {
            "add_numbers",
            "add_in_order",
            "reach_everything",
            "deliver_alert",
            "deliver_webhook",
            "wake_parked_jobs",
        }:
            del sys.modules[name]


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """This repository's own stack, stage dev."""
    return synthesise(tmp_path_factory.mktemp("dev"))


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """This repository's own stack, stage prod."""
    return synthesise(tmp_path_factory.mktemp("prod"), stage="prod")


@pytest.fixture(scope="session")
def derived(tmp_path_factory: pytest.TempPathFactory, clean_imports: None) -> Template:
    """A stack of tasks that this repository doesn't know."""
    functions = tmp_path_factory.mktemp("functions")
    write_functions(functions)
    write_task(functions, "add-numbers")
    write_task(functions, "add-in-order", "priorities=True, timeout=100, concurrency=6, memory_mb=1024")
    write_task(functions, "reach-everything", f"concurrency=1, uses={tuple(sorted(EVERY_USE))}")
    return synthesise(tmp_path_factory.mktemp("derived"), functions=str(functions))


@contextmanager
def forgotten(root: Path) -> Iterator[None]:
    """What is imported from below this folder is forgotten afterwards."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(root) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]


@pytest.fixture
def functions(tmp_path: Path) -> Iterator[Path]:
    """An empty folder of functions; what is imported from it is forgotten."""
    folder = tmp_path / "functions"
    write_functions(folder)
    with forgotten(tmp_path):
        yield folder
