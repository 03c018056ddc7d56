"""LiteLLM in a virtual environment of its own: what it needs and what Backstay needs don't meet."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.cloud import ROOT

_PINNED = Path(__file__).with_name("litellm.txt")


class NoLiteLLMError(Exception):
    """LiteLLM can't be installed on this machine, so that nothing can be measured against it."""


def version() -> str:
    """Which LiteLLM is measured."""
    lines = _PINNED.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("litellm==")).partition("==")[2]


def interpreter() -> Path:
    """The Python that imports it; made with uv when the pinned versions are not there yet.

    Raises:
        NoLiteLLMError: quotes what uv says.
    """
    digest = hashlib.sha256(_PINNED.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".backstay" / "bench" / f"litellm-{digest}"
    if not (folder / "made").exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        target = ("--python", str(folder / "bin" / "python"))
        _uv("pip", "install", "--quiet", "--no-deps", "--compile-bytecode", *target, "--requirement", str(_PINNED))
        (folder / "made").touch()
    return folder / "bin" / "python"


def _uv(*arguments: str) -> None:
    if not (uv := shutil.which("uv")):
        raise NoLiteLLMError("LiteLLM is installed with uv, which is not on the PATH; `make bench` brings it")
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoLiteLLMError(f"uv {arguments[0]} failed:\n{done.stderr}")
