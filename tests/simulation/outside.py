"""What jobs do to the world: each thing happens once for its key, however often it is asked for."""

from dataclasses import dataclass, field

from tests.simulation.faults import Line


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a step of a run did, or undid."""

    run_id: str
    step: str
    direction: str


@dataclass
class Outside:
    """The world."""

    line: Line
    effects: list[Effect] = field(default_factory=list)
    """In the order in which they happened."""
    _keys: set[str] = field(default_factory=set)

    def happen(self, key: str, effect: Effect) -> None:
        """Let it happen, as a process asks for it."""
        self.line.call("outside", "happen", self._happen, {"Name": key, "effect": effect})

    def _happen(self, *, Name: str, effect: Effect) -> None:  # noqa: N803
        if Name not in self._keys:
            self._keys.add(Name)
            self.effects.append(effect)


_now: list[Outside] = []


def begin(line: Line) -> Outside:
    """A new world, for the simulation that begins."""
    _now[:] = [Outside(line)]
    return _now[0]


def outside() -> Outside:
    """The world of the simulation that runs."""
    return _now[0]
