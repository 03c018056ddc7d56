"""`up`, `down`, `deploy` and `demo`: clouds come and go."""

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from cli.local.state import REPOSITORY, LocalCloud, StateDirectory
from cli.options import Json
from cli.output import console, notes, print_json, progress_line, table_of
from cli.problems import ExitCode, Problem
from cli.target import Session

StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Directory of this cloud, as before the command.", show_default=".backstay"),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(up)
    app.command()(down)
    app.command()(deploy)
    app.command()(demo)


def _state(context: typer.Context, state_dir: Path | None) -> StateDirectory:
    session: Session = context.obj
    return StateDirectory.choose(state_dir) if state_dir else session.state


def up(context: typer.Context, state_dir: StateDir = None, as_json: Json = False) -> None:
    """Start the embedded cloud, or deploy anew into the one that runs."""
    from cli.local.cloud import up as start

    state = _state(context, state_dir)
    ran = state.cloud() is not None
    with progress_line("embedded cloud") as tell:
        cloud = start(state, tell)
    if as_json:
        print_json(_described(cloud, state))
        return
    notes.print("the embedded cloud ran already: deployed anew" if ran else "the embedded cloud is up")
    console.print(table_of(("", ""), [(name, str(value)) for name, value in _described(cloud, state).items()]))


def _described(cloud: LocalCloud, state: StateDirectory) -> dict[str, str]:
    return {
        "api": cloud.api_url,
        "api_key": cloud.api_key,
        "aws_endpoint": cloud.endpoint_url,
        "model_server": cloud.llm_url,
        "dashboard": cloud.dashboard_url,
        "alerts_arrive_at": f"{cloud.inbox_url}/alerts/slack",
        "details": str(state.local_json),
    }


def down(context: typer.Context, state_dir: StateDir = None) -> None:
    """Stop the embedded cloud and remove its state."""
    from cli.local.cloud import down as stop

    state = _state(context, state_dir)
    ran = stop(state)
    notes.print("the embedded cloud is down" if ran else f"no embedded cloud was running in {state.path}")


def deploy(
    context: typer.Context,
    config: Annotated[Path, typer.Option(help="The backstay.toml to deploy.")] = REPOSITORY / "backstay.toml",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before permissions widen.")] = False,
) -> None:
    """Deploy a stage to AWS: cdk deploy, with what the app needs to know."""
    from cli.local.deployment import CDK, install_node_packages
    from cli.local.environment import deploying_environment

    session: Session = context.obj
    env = deploying_environment()
    with progress_line("deploy") as tell:
        install_node_packages(env, REPOSITORY / "npm.log", tell)
    command = [str(CDK), "deploy", "--all", "--context", f"stage={session.stage or 'dev'}"]
    command += ["--context", f"config={config.resolve()}", "--no-notices"]
    command += ["--profile", session.profile] if session.profile else []
    command += ["--require-approval", "never"] if yes else []
    status = subprocess.run(command, cwd=REPOSITORY, env=env, check=False).returncode  # noqa: S603 - the CDK CLI
    if status:
        raise Problem("cdk deploy failed; its output is above", "mend what it names", ExitCode.FAILED)


def demo(as_json: Json = False) -> None:
    """Show it all: a private embedded cloud, every sample event, a table of what came of them."""
    from cli.demo.run import run_demo

    raise typer.Exit(ExitCode.OK if run_demo(as_json=as_json) else ExitCode.FAILED)
