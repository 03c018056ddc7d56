"""A saga as a picture: Mermaid text, which GitHub, editors and the API's pages draw."""

import itertools
from collections.abc import Iterator

from backstay.workflows.conditions import Both, Comparison, Condition, Either, Not, Operator, PreApproved
from backstay.workflows.saga import AnyStep, Approval, Saga, Step

_SIGNS = {Operator.EQUALS: "=", Operator.AT_LEAST: "≥", Operator.AT_MOST: "≤"}


def picture(saga: Saga) -> str:
    """The steps from start to end, what each waits for or depends on, and the way back."""
    return "\n".join(["flowchart TD", *(f"    {line}" for line in _lines(saga))])


def in_words(condition: Condition) -> str:
    """A condition for people."""
    match condition:
        case Comparison(path, Operator.EQUALS, True):
            return path
        case Comparison(path, operator, value):
            return f"{path} {_SIGNS[operator]} {value}"
        case PreApproved():
            return "pre-approved"
        case Both(left, right):
            return f"{_joined(left)} and {_joined(right)}"
        case Either(left, right):
            return f"{_joined(left)} or {_joined(right)}"
        case Not(inner):
            return f"not {_joined(inner)}"
    raise TypeError(f"{condition!r} is no condition")


def _lines(saga: Saga) -> Iterator[str]:
    yield "start([start])"
    edges = ["start -->"]  # whatever leads on to what comes next
    for step in saga.steps:
        do, when = f"do_{step.name}", f"when_{step.name}"
        yield _node(do, step)
        yield from (f"{edge} {when if step.when else do}" for edge in edges)
        edges = [f"{do} -->"]
        if step.when:
            yield f'{when}{{"{_safe(in_words(step.when))}?"}}'
            yield f"{when} -->|yes| {do}"
            edges.append(f"{when} -->|no|")
    yield "completed([completed])"
    yield from (f"{edge} completed" for edge in edges)
    yield from _way_back(saga)


def _node(name: str, step: AnyStep) -> str:
    if isinstance(step, Step):
        return f'{name}["{step.name}<br/>{step.task}"]'
    waits_for = "a person's approval" if isinstance(step, Approval) else f"the signal {_safe(step.event)}"
    return f'{name}[/"{step.name}<br/>waits for {waits_for}"/]'


def _way_back(saga: Saga) -> Iterator[str]:
    """The undos, in the order in which they are run, and what leads to them."""
    undone: list[str] = []
    edges: list[str] = []
    for step in saga.steps:
        if isinstance(step, Step) and step.undo:
            undone.insert(0, step.name)
            yield f'undo_{step.name}["undo {step.name}<br/>{step.undo.task}"]'
        back = f"undo_{undone[0]}" if undone else "failed"
        edges.append(f"do_{step.name} -. fails .-> {back}")
        if isinstance(step, Approval):
            edges.append(f"do_{step.name} -. refused .-> {back if undone else 'aborted'}")
    ends = [("failed", "failed"), ("aborted", "aborted"), ("compensated", _end_of_undos(saga))]
    edges += [f"undo_{later} -.-> undo_{earlier}" for later, earlier in itertools.pairwise(undone)]
    edges += [f"undo_{undone[-1]} -.-> compensated"] if undone else []
    yield from (f"{name}([{text}])" for name, text in ends if any(edge.endswith(f"-> {name}") for edge in edges))
    yield from edges


def _end_of_undos(saga: Saga) -> str:
    """How a run ends whose steps are undone."""
    could_be_refused = any(isinstance(step, Approval) for step in saga.steps)
    return "compensated, or aborted where a person refused" if could_be_refused else "compensated"


def _joined(condition: Condition) -> str:
    words = in_words(condition)
    return f"({words})" if isinstance(condition, Both | Either) else words


def _safe(text: str) -> str:
    return text.replace('"', "#quot;")
