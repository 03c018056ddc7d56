"""The two layers: what every function imports, and the SDKs of those that call a model."""

import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from backstay import config
from backstay.workflows.catalog import FILE_NAME as SAGAS
from infra.build import BuildDirectory, copy_sources, digest
from infra.packages import REPOSITORY, Platform, compile_bytecode, install, locked_requirements

BACKSTAY = REPOSITORY / "layers" / "common" / "python" / "backstay"

RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64

_RECIPE = "1"  # raise it when a change below makes other contents from the same sources


@dataclass(frozen=True, slots=True)
class LayerProps:
    """What layers are built from."""

    config: Path
    """The backstay.toml that is deployed."""
    sagas: str
    """The sagas.json that is deployed."""
    platform: Platform
    build: BuildDirectory


class Layers(Construct):
    """`common` goes with every function, `llm` with those whose task uses it."""

    def __init__(self, scope: Construct, id: str, props: LayerProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        config.read(props.config)  # a wrong file must stop the deployment, not the first job
        shared = locked_requirements("layer")
        models = {name: line for name, line in locked_requirements("layer-llm").items() if name not in shared}
        self.common = self._layer("Common", "Powertools, pydantic and backstay", _common(shared, props))
        self.llm = self._layer("Llm", "The SDKs of model providers, and prices", _packages("layer-llm", models, props))

    def _layer(self, id: str, description: str, contents: Path) -> lambda_.LayerVersion:  # noqa: A002
        return lambda_.LayerVersion(
            self,
            id,
            code=lambda_.Code.from_asset(str(contents)),
            description=description,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )


def _packages(name: str, requirements: dict[str, str], props: LayerProps) -> Path:
    """A layer's root with the packages below `python/`."""
    platform = props.platform
    bytecode = "with bytecode" if platform.interpreter else "without"
    made_from = digest(_RECIPE, platform.name, platform.python, bytecode, *requirements.values())

    def build(target: Path) -> None:
        install(requirements, platform, target / "python")
        compile_bytecode(target, platform, "/opt")

    return props.build.get(name, made_from, build)


def _common(requirements: dict[str, str], props: LayerProps) -> Path:
    packages = _packages("layer-packages", requirements, props)
    made_from = digest(packages.name, props.config.read_text(), props.sagas, folders=[BACKSTAY])
    return props.build.get("layer", made_from, partial(_add_backstay, packages, props))


def _add_backstay(packages: Path, props: LayerProps, target: Path) -> None:
    shutil.copytree(packages, target, copy_function=os.link)  # the same files; a copy for every edit would add up
    ours = target / "python" / BACKSTAY.name
    copy_sources(BACKSTAY, ours)
    shutil.copyfile(props.config, ours / config.FILE_NAME)
    (ours / SAGAS).write_text(props.sagas)
    compile_bytecode(ours, props.platform, f"/opt/python/{BACKSTAY.name}")
