"""The CDK app: `cdk deploy -c stage=dev`. Run by the CDK CLI as cdk.json says.

Context: `stage` (dev or prod), `config` (the backstay.toml to deploy), `layer_platform` (`lambda`, or `host` for the
embedded cloud), `functions` (the folder whose tasks to deploy), `sagas` (the folder of sagas), `gateway` (below which
URL the embedded cloud's APIs are reached).
"""

import sys

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from backstay.errors import BackstayError
from infra.build import BuildDirectory
from infra.code import FunctionsFolder
from infra.packages import REPOSITORY, platform_named
from infra.room import warning_of
from infra.sagas_folder import SagasFolder
from infra.stack import BackstayProps, BackstayStack
from infra.stage import stage_named


def build(app: App) -> BackstayStack:
    """Put the stack that the app's context asks for into the app, and the one that watches over it.

    Raises:
        BackstayError: the context, backstay.toml, a task's declaration or this machine is not as it must be.
    """
    platform = platform_named(_context(app, "layer_platform", "lambda"))
    if platform.interpreter is None:
        sys.stderr.write(
            f"no Python {platform.python} on this machine: layers carry no bytecode, so that every cold start compiles "
            f"what it imports; to deploy faster functions: uv python install {platform.python}\n"
        )
    # An absolute path stays as it is.
    folder = FunctionsFolder(REPOSITORY / _context(app, "functions", "functions"), platform, BuildDirectory())
    config = REPOSITORY / _context(app, "config", "backstay.toml")
    sagas = SagasFolder(REPOSITORY / _context(app, "sagas", "infra/sagas"))
    stage, gateway = stage_named(_context(app, "stage", "dev")), _context(app, "gateway", "") or None
    stack = BackstayStack(app, BackstayProps(stage, config, folder, sagas, gateway))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return stack


def _context(app: App, key: str, otherwise: str) -> str:
    value = app.node.try_get_context(key)
    return otherwise if value is None else str(value)


def main() -> None:
    """Synthesise, or say in a few words why that can't be done."""
    app = App()
    try:
        build(app)
        for stack in app.synth().stacks:
            if warning := warning_of(stack.stack_name, stack.template):
                sys.stderr.write(f"{warning}\n")
    except BackstayError as error:
        sys.exit(f"backstay: {error}")


if __name__ == "__main__":
    main()
