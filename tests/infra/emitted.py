"""Which metrics the code emits, and with which dimensions: read off the source, file by file."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.packages import REPOSITORY

_OF_JOBS = frozenset({"Task"})
"""What `job.metric(…)` is about: the worker emits it with its own."""

_SOMETHING = "[A-Z][A-Za-z]+"


@dataclass(frozen=True, slots=True)
class Emitted:
    """One metric, or several whose names are made of something."""

    name: re.Pattern[str]
    dimensions: frozenset[str]


def emitted() -> frozenset[Emitted]:
    """All that functions and layers emit."""
    paths = [path for root in ("functions", "layers") for path in (REPOSITORY / root).rglob("*.py")]
    return frozenset(one for path in paths for one in _of_file(path))


def _of_file(path: Path) -> Iterator[Emitted]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    about = {keys for call in calls if _called(call) == "emit" if (keys := _keys(call)) is not None}
    words = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for call in calls:
        if _called(call) == "Metric":
            yield from (Emitted(name, keys) for name in _names(call.args[0], words) for keys in about)
        elif _called(call) == "metric":
            yield from (Emitted(name, _OF_JOBS) for name in _names(call.args[0], words))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _keys(call: ast.Call) -> frozenset[str] | None:
    if len(call.args) < 2 or not isinstance(call.args[1], ast.Dict):
        return None
    return frozenset(key.value for key in call.args[1].keys if isinstance(key, ast.Constant))


def _names(node: ast.expr, words: Iterable[str]) -> Iterator[re.Pattern[str]]:
    match node:
        case ast.Constant(value=str(name)):
            yield re.compile(name)
        case ast.JoinedStr(values=parts):
            texts = (str(part.value) if isinstance(part, ast.Constant) else _SOMETHING for part in parts)
            yield re.compile("".join(texts))
        case ast.Name():  # one of the words of its file that look like a metric's name
            yield from (re.compile(word) for word in words if re.fullmatch(_SOMETHING, word))
