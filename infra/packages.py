"""Builds what layers carry: packages from the lock file by uv, without Docker, and bytecode beside them."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backstay.errors import BackstayError

REPOSITORY = Path(__file__).resolve().parent.parent

RUNTIME_PYTHON = "3.14"
"""The Python of the Lambda runtime that every function uses."""


class BuildError(BackstayError):
    """A layer can't be built on this machine."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where packages will run."""

    name: str
    python: str
    """Major and minor version."""
    uv_arguments: tuple[str, ...]
    interpreter: str | None
    """A Python of that version on this machine, which can write bytecode; None where there is none."""


def platform_named(name: str) -> Platform:
    """`lambda` for AWS, `host` for the embedded cloud, whose emulator runs functions in this very interpreter.

    Raises:
        BuildError: there is no such platform.
    """
    if name == "host":
        return Platform(
            name, f"{sys.version_info[0]}.{sys.version_info[1]}", ("--python", sys.executable), sys.executable
        )
    if name == "lambda":
        target = ("--python-platform", "aarch64-manylinux2014", "--python-version", RUNTIME_PYTHON)
        return Platform(name, RUNTIME_PYTHON, target, _interpreter_of(RUNTIME_PYTHON))
    raise BuildError(f"there is no layer platform {name!r}; choose with -c layer_platform=… 'lambda' or 'host'")


def locked_requirements(group: str) -> dict[str, str]:
    """What the lock file holds for a dependency group: for each package its pinned requirement with hashes.

    Raises:
        BuildError: uv is missing, or there is no such group.
    """
    command = ["export", "--frozen", "--only-group", group, "--no-emit-project", "--no-header", "--no-annotate"]
    text = _uv(*command).replace("\\\n", "")
    return {_package_of(line): line for line in text.splitlines() if line.strip()}


def install(requirements: dict[str, str], platform: Platform, target: Path) -> None:
    """Put packages into a folder. Every file's hash is checked against the lock; nothing is compiled from source.

    Raises:
        BuildError: uv is missing, a package has no wheel for the platform, or a download failed.
    """
    target.mkdir(parents=True)
    listed = target.with_suffix(".txt")
    listed.write_text("\n".join(requirements.values()) + "\n")
    checked = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--quiet")
    _uv("pip", "install", *checked, *platform.uv_arguments, "--target", str(target), "--requirement", str(listed))
    listed.unlink()
    shutil.rmtree(target / "bin", ignore_errors=True)  # console scripts, with this machine's paths in them
    (target / ".lock").unlink(missing_ok=True)


def compile_bytecode(folder: Path, platform: Platform, deployed_to: str) -> None:
    """Write bytecode that is never checked against its source: Lambda can't write any, and a deployment resets times.

    Args:
        folder: what to compile.
        platform: whose bytecode; where this machine lacks its Python, none is written.
        deployed_to: where the folder will lie, so that the same source gives the same bytes on every machine.

    Raises:
        BuildError: a file does not compile.
    """
    if platform.interpreter is None:
        return
    command = [platform.interpreter, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    _run([*command, "-s", str(folder), "-p", deployed_to, str(folder)], f"compile {folder.name}")


def _interpreter_of(version: str) -> str | None:
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return sys.executable
    try:
        return _uv("python", "find", "--no-python-downloads", "--no-project", version).strip()
    except BuildError:
        return None


def _package_of(requirement: str) -> str:
    return re.split(r"[=<>~!\[; ]", requirement, maxsplit=1)[0]


def _uv(*arguments: str) -> str:
    if not (uv := shutil.which("uv")):
        raise BuildError("layers are built with uv, which is not on the PATH; install it: https://docs.astral.sh/uv/")
    return _run([uv, *arguments], f"uv {arguments[0]}")


def _run(command: list[str], what: str) -> str:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise BuildError(f"could not {what}: {' '.join(command)}\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
