"""The sagas of a folder: one file each, named as its saga in snake case.

A file assigns a `Saga` to the name `saga`, or defines a function of that name which makes one from what backstay.toml
says.
"""

import importlib.util
import inspect
from dataclasses import dataclass
from pathlib import Path

from backstay.config import Config
from backstay.workflows.saga import Saga, SagaDeclarationError


@dataclass(frozen=True, slots=True)
class SagasFolder:
    """Where sagas are declared; a folder that isn't there holds none."""

    root: Path

    def sagas(self, config: Config) -> tuple[Saga, ...]:
        """Every saga, by name.

        Raises:
            SagaDeclarationError: a file declares none, or one of another name, or one that can't work.
        """
        files = sorted(path for path in self.root.glob("*.py") if path.stem != "__init__")
        return tuple(_load(path, config) for path in files)


def _load(path: Path, config: Config) -> Saga:
    spec = importlib.util.spec_from_file_location(f"backstay_sagas.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SagaDeclarationError(f"{path} can't be read as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    declared = getattr(module, "saga", None)
    saga = declared(config) if inspect.isfunction(declared) else declared
    if not isinstance(saga, Saga):
        raise SagaDeclarationError(f"{path} must assign a Saga to the name 'saga', or define a function that makes one")
    if saga.name.replace("-", "_") != path.stem:
        raise SagaDeclarationError(f"{path} declares saga {saga.name!r}; rename the file or the saga")
    return saga
