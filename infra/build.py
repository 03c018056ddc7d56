"""The build directory: what was built once from the same contents is not built again."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from infra.packages import REPOSITORY

_KEPT_S = 3 * 86_400


class BuildDirectory:
    """Folders named by what they were built from. Safe when several builds run at once."""

    def __init__(self, path: Path = REPOSITORY / ".backstay" / "build") -> None:
        self._path = path

    def get(self, name: str, made_from: str, build: Callable[[Path], None]) -> Path:
        """The folder built from these contents, built now if it was not before.

        Args:
            name: what the folder is, for people.
            made_from: a digest of everything that goes into it.
            build: makes the folder at the path that it is given.
        """
        target = self._path / f"{name}-{made_from[:20]}"
        if target.is_dir():
            os.utime(target)
            return target
        self._path.mkdir(parents=True, exist_ok=True)
        self._forget_old()
        with tempfile.TemporaryDirectory(dir=self._path, prefix="draft-") as draft:
            build(Path(draft) / name)
            try:
                (Path(draft) / name).rename(target)
            except OSError:
                if not target.is_dir():  # else another build was first with the same contents
                    raise
        os.utime(target)
        return target

    def _forget_old(self) -> None:
        for folder in self._path.iterdir():
            if folder.stat().st_mtime < time.time() - _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)


def digest(*texts: str, folders: Iterable[Path] = ()) -> str:
    """A digest of texts and of the source files below folders, by name and contents."""
    total = hashlib.sha256()
    for text in texts:
        total.update(text.encode() + b"\0")
    for folder in folders:
        for file in sorted(_sources(folder)):
            total.update(f"{folder.name}/{file.relative_to(folder).as_posix()}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def copy_sources(folder: Path, target: Path) -> None:
    """Copy a folder without what running it left behind."""
    for file in _sources(folder):
        copy = target / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _sources(folder: Path) -> Iterable[Path]:
    return (
        file
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    )
