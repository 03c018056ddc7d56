"""How a step's input follows from what the run was started with and from what other steps answered. Pure.

A mapping is JSON in which `{"$ref": "path"}` stands for a value that is known when the step runs. A path begins with
`input` (what the run was started with), `run` (`id`, `tenant`, `saga`, `started_at`) or a step's name, and leads on by
names of fields and numbers of list entries. With a `default` beside it, a reference to what is not there is no fault.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backstay.errors import BackstayError

REF, DEFAULT = "$ref", "default"

_NOTHING = object()


class UnresolvedRefError(BackstayError):
    """A reference leads nowhere; the text names it."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference as it stands in a mapping."""

    path: str
    default: Any = _NOTHING

    @property
    def source(self) -> str:
        """Where it leads first: `input`, `run`, or a step's name."""
        return self.path.partition(".")[0]

    @property
    def is_optional(self) -> bool:
        """Whether it may lead nowhere."""
        return self.default is not _NOTHING


def as_ref(node: Any) -> Ref | None:
    """The reference that a part of a mapping is, or None where it is anything else."""
    if not isinstance(node, Mapping) or REF not in node:
        return None
    return Ref(node[REF], node.get(DEFAULT, _NOTHING))


def refs_of(node: Any) -> Iterator[Ref]:
    """Every reference in a mapping."""
    if ref := as_ref(node):
        yield ref
        return
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list | tuple) else ()
    for child in children:
        yield from refs_of(child)


def resolve(mapping: Mapping[str, Any], documents: Mapping[str, Any], *, leave_out: bool = False) -> dict[str, Any]:
    """The input that a mapping amounts to.

    Args:
        mapping: with references.
        documents: by where references lead first; one that isn't there has no answer.
        leave_out: whether fields whose reference leads nowhere are left out, as for an undo, whose step may have no
            output.

    Raises:
        UnresolvedRefError: a reference without default leads nowhere.
    """
    resolved: dict[str, Any] = _resolve(mapping, documents, leave_out=leave_out)
    return resolved


def _resolve(node: Any, documents: Mapping[str, Any], *, leave_out: bool) -> Any:
    if ref := as_ref(node):
        return _follow(ref, documents, leave_out=leave_out)
    if isinstance(node, Mapping):
        fields = {name: _resolve(child, documents, leave_out=leave_out) for name, child in node.items()}
        return {name: value for name, value in fields.items() if value is not _NOTHING}
    if isinstance(node, list | tuple):
        entries = (_resolve(child, documents, leave_out=leave_out) for child in node)
        return [entry for entry in entries if entry is not _NOTHING]
    return node


def _follow(ref: Ref, documents: Mapping[str, Any], *, leave_out: bool) -> Any:
    value: Any = documents
    for name in ref.path.split("."):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        elif ref.is_optional:
            return ref.default
        elif leave_out:
            return _NOTHING
        else:
            raise UnresolvedRefError(f"{ref.path!r} leads nowhere: there is no {name!r}")
    return value
