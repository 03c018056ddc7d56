"""What is wrong with a saga that can be told before anything is deployed. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backstay.catalog import AnyTask
from backstay.workflows.conditions import Both, Comparison, Condition
from backstay.workflows.mapping import Ref, as_ref
from backstay.workflows.saga import AnyStep, Saga, SagaDeclarationError, Step
from infra.shapes import NULL, Shape, kind_of

_RUN = Shape(
    {"type": "object", "properties": {name: {"type": "string"} for name in ("id", "tenant", "saga", "started_at")}}
)
_ANYTHING = Shape({})


def check(saga: Saga, tasks: Mapping[str, AnyTask]) -> None:
    """See to it that a saga can work.

    Args:
        saga: as it is declared.
        tasks: those that are deployed, by name.

    Raises:
        SagaDeclarationError: names every step and field that is wrong, and what to do.
    """
    complaints = [
        f"{saga.name}, step {step.name!r}: {complaint}"
        for position, step in enumerate(saga.steps)
        for complaint in _Step(saga, tasks, position, step).complaints()
    ]
    if complaints:
        raise SagaDeclarationError("\n".join(complaints))


@dataclass(frozen=True, slots=True)
class _Reached:
    """Where a reference leads."""

    shape: Shape
    may_be_missing: str = ""
    """Why it may lead nowhere."""


class _BadPathError(Exception):
    """A reference leads nowhere for sure; the text says why."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One step, seen from where it stands."""

    saga: Saga
    tasks: Mapping[str, AnyTask]
    position: int
    step: AnyStep

    def complaints(self) -> Iterator[str]:
        """Everything that is wrong with it."""
        yield from self._of_condition()
        if not isinstance(self.step, Step):
            return
        yield from self._of_work(self.step.task, self.step.mapping, is_undo=False)
        if self.step.undo:
            for complaint in self._of_work(self.step.undo.task, self.step.undo.mapping, is_undo=True):
                yield f"its undo: {complaint}"

    def _of_condition(self) -> Iterator[str]:
        for comparison in self.step.when.comparisons() if self.step.when else ():
            try:
                reached = self._reach(Ref(comparison.path), is_undo=False)
            except _BadPathError as error:
                yield f"its condition looks at {comparison.path!r}: {error}"
                continue
            yield from _of_comparison(comparison, reached.shape)

    def _of_work(self, name: str, mapping: Mapping[str, Any], *, is_undo: bool) -> Iterator[str]:
        if name not in self.tasks:
            yield f"there is no task {name!r}; the tasks are {', '.join(sorted(self.tasks))}"
            return
        wanted = Shape.of(self.tasks[name].input, "validation")
        yield from self._of_object(mapping, wanted, "", name, is_undo=is_undo)

    def _of_object(
        self, given: Mapping[str, Any], wanted: Shape, path: str, task: str, *, is_undo: bool
    ) -> Iterator[str]:
        fields = wanted.fields
        for name in sorted(wanted.required - set(given)):
            yield f"{task} needs {path + name!r}, which nothing is mapped to; add it to the input"
        for name, node in given.items():
            if name.endswith(".$"):
                yield f"{path + name!r} ends in '.$', which Step Functions takes for itself; rename it"
            elif name in fields:
                is_required = name in wanted.required
                yield from self._of_node(node, fields[name], path + name, task, is_required, is_undo=is_undo)
            elif not wanted.is_open:
                yield f"{task} takes no {path + name!r}; it takes {', '.join(sorted(fields))}"
            else:
                yield from self._of_node(node, _ANYTHING, path + name, task, is_undo=is_undo)

    def _of_node(
        self, node: Any, wanted: Shape, path: str, task: str, is_required: bool = False, *, is_undo: bool  # noqa: FBT001, FBT002
    ) -> Iterator[str]:  # fmt: skip
        if ref := as_ref(node):
            yield from self._of_ref(ref, wanted, path, task, is_required=is_required, is_undo=is_undo)
        elif wanted.kinds is not None and kind_of(node) not in wanted.kinds:
            yield f"{task} takes {_named(wanted.kinds)} for {path!r}, and {node!r} is none"
        elif isinstance(node, Mapping):
            yield from self._of_object(node, wanted, f"{path}.", task, is_undo=is_undo)
        elif isinstance(node, list | tuple):
            for number, entry in enumerate(node):
                yield from self._of_node(entry, wanted.entries, f"{path}.{number}", task, is_undo=is_undo)

    def _of_ref(
        self, ref: Ref, wanted: Shape, path: str, task: str, *, is_required: bool, is_undo: bool
    ) -> Iterator[str]:
        try:
            reached = self._reach(ref, is_undo=is_undo)
        except _BadPathError as error:
            yield f"{path!r} refers to {ref.path!r}: {error}"
            return
        if reached.may_be_missing and not ref.is_optional:
            if not is_undo:
                yield f"{path!r} refers to {ref.path!r}, but {reached.may_be_missing}; give the reference a default"
            elif is_required:
                yield (
                    f"{task} needs {path!r} and gets it from {ref.path!r}, but {reached.may_be_missing}; "
                    f"make the field optional in {task}'s input, or give the reference a default"
                )
        yield from _of_kinds(ref, reached.shape, wanted, path, task)

    def _reach(self, ref: Ref, *, is_undo: bool) -> _Reached:
        fields = ref.path.split(".")[1:]
        if ref.source == "run":
            return _follow(_RUN, fields, "", is_whole=True)
        if ref.source == "input":
            return _follow(Shape.of(self.saga.input, "validation"), fields, "", is_whole=False)
        before = {step.name: step for step in self.saga.steps[: self.position + is_undo]}
        if ref.source not in before:
            raise _BadPathError(
                f"{ref.source!r} is {self._standing(ref.source)}; refer to input, run"
                f"{''.join(f', {name}' for name in before)}"
            )
        source = before[ref.source]
        missing = self._why_missing(source)
        if not isinstance(source, Step):
            return _Reached(_ANYTHING, missing or "nobody knows what an event brings")
        if source.task not in self.tasks:
            return _Reached(_ANYTHING, missing)
        return _follow(Shape.of(self.tasks[source.task].output, "serialization"), fields, missing, is_whole=True)

    def _standing(self, name: str) -> str:
        if name == self.step.name:
            return "the step itself"
        return "a later step" if name in {step.name for step in self.saga.steps} else "no step"

    def _why_missing(self, source: AnyStep) -> str:
        if source is self.step:
            return "a step that is undone may have answered nothing"
        if source.when is None or _implies(self.step.when, source.when):
            return ""
        return f"{source.name!r} may be left out"


def _follow(shape: Shape, fields: list[str], missing: str, *, is_whole: bool) -> _Reached:
    """Down a path, minding what may be null or left out on the way.

    Args:
        shape: where it begins.
        fields: the path.
        missing: why there may be nothing at all.
        is_whole: whether every field is there, as in a result, or those that are required, as in what somebody sent.
    """
    walked = ""
    for name in fields:
        if shape.may_be_null:
            missing = missing or f"{walked!r} may be null"
        if name not in shape.fields:
            if name.isdigit() and (shape.kinds is None or "array" in shape.kinds):
                shape, missing = shape.entries, missing or f"{walked!r} may have fewer entries"
                continue
            if shape.is_open:
                return _Reached(_ANYTHING, missing or f"nobody knows whether there is {name!r}")
            known = ", ".join(sorted(shape.fields)) or "no fields"
            raise _BadPathError(f"there is no {name!r} in {walked or 'it'}; it has {known}")
        if not is_whole and name not in shape.required:
            missing = missing or f"{name!r} may be left out"
        shape, walked = shape.fields[name], f"{walked}.{name}".lstrip(".")
    return _Reached(shape, missing)


def _of_kinds(ref: Ref, given: Shape, wanted: Shape, path: str, task: str) -> Iterator[str]:
    have, want = given.kinds, wanted.kinds
    if have is None or want is None:
        return
    if not (have - {NULL}) & want:
        yield f"{task} takes {_named(want)} for {path!r}, and {ref.path!r} is {_named(have)}"
    elif NULL in have and NULL not in want:
        yield f"{task} takes no null for {path!r}, and {ref.path!r} may be null; let the field be null"


def _of_comparison(comparison: Comparison, shape: Shape) -> Iterator[str]:
    kind = kind_of(comparison.value)
    if shape.kinds is not None and kind not in shape.kinds:
        yield f"its condition compares {comparison.path!r}, {_named(shape.kinds)}, with {comparison.value!r}"


def _implies(own: Condition | None, other: Condition) -> bool:
    """Whether a condition holds only where the other does, as far as can be seen from how they are put together."""
    if own == other:
        return True
    if isinstance(other, Both):
        return _implies(own, other.left) and _implies(own, other.right)
    return isinstance(own, Both) and (_implies(own.left, other) or _implies(own.right, other))


def _named(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))
