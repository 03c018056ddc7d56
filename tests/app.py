"""The app with the tests' own tasks and sagas beside its own, as a folder to deploy."""

import shutil
from pathlib import Path

from cli.local.state import REPOSITORY

_PARTS = {"functions": ("functions", "tests/tasks"), "sagas": ("infra/sagas", "tests/sagas")}


def gather(root: Path) -> tuple[Path, Path]:
    """Copy both into a folder; answers where its functions and its sagas are."""
    for part, sources in _PARTS.items():
        for source in sources:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / source, root / part, dirs_exist_ok=True, ignore=ignored)
    return root / "functions", root / "sagas"
