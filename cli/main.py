"""The `backstay` command, put together."""

import os
import signal
import traceback
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli import (
    alerts,
    budgets,
    cloud,
    costs,
    credit,
    dashboards,
    dead_letters,
    jobs,
    keys,
    logs,
    providers,
    saga,
    scaffold,
    secrets,
    stats,
    submit,
    top,
    trace,
)
from cli.aws_check import command as aws_check
from cli.local.state import STATE_VARIABLE
from cli.output import print_problem
from cli.problems import EXIT_CODES, ExitCode, Problem
from cli.target import KEY_VARIABLE, Session

TRACEBACK_VARIABLE = "BACKSTAY_TRACEBACK"


class Commands(TyperGroup):
    """Turns what goes wrong into a cause, a remedy and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            return super().invoke(ctx)
        except Problem as problem:
            print_problem(problem)
            raise typer.Exit(problem.code) from None
        except KeyboardInterrupt:
            print_problem(Problem("interrupted"))
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except (OSError, ArithmeticError, LookupError, AttributeError, TypeError, ValueError) as error:
            if os.environ.get(TRACEBACK_VARIABLE):
                traceback.print_exc()
            remedy = f"this is a fault of backstay's; see where with {TRACEBACK_VARIABLE}=1"
            print_problem(Problem(f"{type(error).__name__}: {error}", remedy))
            raise typer.Exit(ExitCode.FAILED) from None


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Being told to end, or losing the terminal, tidies up as Ctrl-C does."""
    raise KeyboardInterrupt(signal.Signals(number).name)


app = typer.Typer(
    name="backstay",
    cls=Commands,
    help="Runs LLM work on AWS so that it holds. Without --stage or --profile, talks to the embedded cloud.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _options(
    context: typer.Context,
    stage: Annotated[str | None, typer.Option(help="Talk to this stage on AWS, such as dev or prod.")] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile; implies a stage on AWS (dev by default).")] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option(envvar=STATE_VARIABLE, help="The embedded cloud's directory.", show_default=".backstay"),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar=KEY_VARIABLE, help="API key; the embedded cloud has its own.")
    ] = None,
) -> None:
    context.obj = Session(stage, profile, state_dir, api_key)


for part in (cloud, submit, logs, trace, top, dashboards, aws_check):
    part.add_to(app)
for part, name in ((jobs, "jobs"), (dead_letters, "dlq"), (keys, "keys"), (secrets, "secrets"), (scaffold, "new")):
    app.add_typer(part.app, name=name)
app.add_typer(stats.app, name="stats")
app.add_typer(saga.app, name="saga")
app.add_typer(alerts.app, name="alerts")
app.add_typer(budgets.app, name="budgets")
app.add_typer(credit.app, name="credits")
app.add_typer(costs.app, name="costs")
app.add_typer(providers.app, name="providers")
app.add_typer(providers.breakers, name="breakers")
