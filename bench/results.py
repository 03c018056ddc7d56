"""bench/results.json: every figure's number under its name, and beside them how each was measured."""

import dataclasses
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, Part

RESULTS = Path(__file__).with_name("results.json")
DETAILS = "details"


@dataclass(frozen=True, slots=True)
class Setting:
    """When and on what a figure was measured."""

    measured_at: str
    python: str
    machine: str
    cores: int
    quick: bool
    """Fewer rounds than a figure to quote needs."""

    @classmethod
    def here(cls, *, quick: bool) -> "Setting":
        """This machine, now."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(
            now, platform.python_version(), f"{platform.system()} {platform.machine()}", os.cpu_count() or 1, quick
        )


def merged(old: dict[str, Any], figures: Iterable[Figure], setting: Setting) -> dict[str, Any]:
    """The file's new content: what was measured now takes the place of what was, the rest stays."""
    numbers = {name: value for name, value in old.items() if name != DETAILS}
    details = dict(old.get(DETAILS, {}))
    for figure in figures:
        numbers[figure.name] = round(figure.value, 4)
        details[figure.name] = {
            **{key: value for key, value in dataclasses.asdict(figure).items() if key not in ("name", "value")},
            "verdict": str(figure.verdict),
            "setting": dataclasses.asdict(setting),
        }
    return {**dict(sorted(numbers.items())), DETAILS: dict(sorted(details.items()))}


def write(figures: Iterable[Figure], setting: Setting, path: Path = RESULTS) -> None:
    """Merge the figures into the file."""
    content = merged(_content(path), figures, setting)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path = RESULTS) -> list[tuple[Figure, Setting]]:
    """Every figure on file, with where it comes from; those of one run stand together."""
    content = _content(path)
    return [
        (_figure(name, content[name], detail), Setting(**detail["setting"]))
        for name, detail in content[DETAILS].items()
    ]


def value_of(name: str, otherwise: float, path: Path = RESULTS) -> float:
    """A figure that was measured before, for one that is computed from it."""
    return float(_content(path).get(name, otherwise))


def _content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {DETAILS: {}}
    return content


def _figure(name: str, value: float, detail: dict[str, Any]) -> Figure:
    fields = {key: value for key, value in detail.items() if key not in ("verdict", "setting", "parts")}
    return Figure(name=name, value=value, parts=tuple(Part(**part) for part in detail["parts"]), **fields)
