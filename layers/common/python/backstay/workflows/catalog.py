"""The sagas that a deployment has: `sagas.json`, which the layer carries beside backstay.toml."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from backstay.errors import BackstayError
from backstay.workflows.plan import SagaPlan

FILE_NAME = "sagas.json"
VARIABLE = "BACKSTAY_SAGAS"


class UnknownSagaError(BackstayError):
    """No saga of this name is declared."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no saga {name!r}; the sagas are {', '.join(known) or 'none'}")
        self.name, self.known = name, known


class SagaFile(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sagas: tuple[SagaPlan, ...] = ()


class Sagas:
    """Plans by name."""

    def __init__(self, plans: tuple[SagaPlan, ...]) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self.names = tuple(sorted(self._plans))

    def get(self, name: str) -> SagaPlan:
        """The saga of this name.

        Raises:
            UnknownSagaError: lists the names that there are.
        """
        if name not in self._plans:
            raise UnknownSagaError(name, self.names)
        return self._plans[name]

    def find(self, name: str) -> SagaPlan | None:
        """The saga of this name, or None: runs outlive what is no longer deployed."""
        return self._plans.get(name)

    def __iter__(self) -> Iterator[SagaPlan]:
        return (self._plans[name] for name in self.names)


def read(file: Path) -> Sagas:
    """The sagas in a file; none where there is no file."""
    return Sagas(SagaFile.model_validate_json(file.read_bytes()).sagas if file.exists() else ())


@functools.cache
def sagas() -> Sagas:
    """This process's sagas: of the file that BACKSTAY_SAGAS names, else of the one that the layer carries."""
    named = os.environ.get(VARIABLE)
    return read(Path(named) if named else Path(__file__).parents[1] / FILE_NAME)
