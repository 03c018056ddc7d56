"""`backstay new task`: a task's folder, its sample event and its test, all of which run at once."""

import re
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from cli.local.state import REPOSITORY
from cli.output import console, notes
from cli.problems import ExitCode, Problem

app = typer.Typer(help="Start something new.", no_args_is_help=True)

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_TASK = Template('''\
"""$words: say here what the task does, for whom, and what it must never do."""

from pydantic import BaseModel, ConfigDict, Field

from backstay.task import Job, Task


class $class_name(BaseModel):
    """What a job brings."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=50_000)


class ${class_name}Result(BaseModel):
    """What a job comes to."""

    words: int


task = Task("$name", input=$class_name, output=${class_name}Result, timeout=60)


@task.run
def $folder(work: $class_name, job: Job) -> ${class_name}Result:
    """Count words. Put the real work here; for a model, import `llm` too and declare `uses=("llm",)` above."""
    job.progress(50, "counting")
    return ${class_name}Result(words=len(work.text.split()))
''')

_EVENT = Template("""\
{
  "task": "$name",
  "scenarios": [
    {
      "name": "a few words",
      "input": {"text": "one two three"},
      "expect": {"state": "completed", "attempts": 1}
    },
    {
      "name": "bad input is refused",
      "input": {"text": ""},
      "expect": {"status": 422}
    }
  ]
}
""")

_TEST = Template('''\
"""$words: what the task promises."""

$imports


def test_the_words_are_counted() -> None:
    result = $folder($class_name(text="one two three"), Job())
    assert result.words == 3


def test_the_folder_and_the_task_agree_on_the_name() -> None:
    assert task.name == "$name"
''')


@app.callback()
def _group() -> None:
    """Without this, the only command would take the group's place."""


@app.command()
def task(name: Annotated[str, typer.Argument(help="Kebab case, such as summarise-report.")]) -> None:
    """Write a task that runs: its folder, its sample event, its test."""
    for path in write_task(REPOSITORY, name):
        console.print(str(path.relative_to(REPOSITORY)))
    notes.print(f"next: backstay up, then backstay submit {name} --input FILE --watch")


def write_task(root: Path, name: str) -> tuple[Path, ...]:
    """Write a new task's files below a repository's root; answers which.

    Raises:
        Problem: the name can't be a task's, or something of that name is there. Nothing was written.
    """
    if not _NAME.fullmatch(name):
        raise Problem(
            f"{name!r} can't be a task's name", "use kebab case: small letters, digits, hyphens", ExitCode.USAGE
        )
    folder = name.replace("-", "_")
    class_name = "".join(part.capitalize() for part in name.split("-"))
    imports = [f"from {folder}.task import {class_name}, {folder}, task", "from backstay.task import Job"]
    words = {
        "imports": "\n".join(sorted(imports)),
        "name": name,
        "folder": folder,
        "words": name.replace("-", " ").capitalize(),
        "class_name": class_name,
    }
    files = {
        root / "functions" / folder / "__init__.py": Template(""),
        root / "functions" / folder / "task.py": _TASK,
        root / "events" / f"{name}.json": _EVENT,
        root / "tests" / "unit" / f"test_{folder}.py": _TEST,
    }
    if there := [path for path in (root / "functions" / folder, *files) if path.exists()]:
        raise Problem(f"{there[0]} is there already", "choose another name", ExitCode.CONFLICT)
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.substitute(words), encoding="utf-8")
    return tuple(files)
