"""`backstay secrets`: API keys of providers and other secrets, put where functions read them. Never shown."""

import re
import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from backstay import aws
from cli.aws import acting_as
from cli.output import console
from cli.problems import ExitCode, Problem
from cli.target import Session

app = typer.Typer(help="Secrets: set.", no_args_is_help=True)

_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]+")
_LARGEST_BYTES = 65_536


@app.callback()
def _commands() -> None:
    """Keeps `set` a command of its own while it is the only one."""


@app.command("set")
def set_secret(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As backstay.toml names it, such as provider/anthropic.")],
) -> None:
    """Set a secret: asks for it without showing it, or reads it from standard input."""
    if not _NAME.fullmatch(name):
        raise Problem(f"{name!r} is no name of a secret", "use letters, digits and / _ + = . @ -", ExitCode.USAGE)
    session: Session = context.obj
    target = session.target
    full_name = target.outputs["SecretPrefix"] + name
    value = _read_value(full_name)
    with acting_as(target.aws):
        try:
            _put(full_name, value)
        except (BotoCoreError, ClientError) as error:
            raise Problem(str(error), "check the credentials and their permissions", ExitCode.NOT_REACHABLE) from error
    console.print(f"secret {full_name} is set; functions read it within five minutes", soft_wrap=True)


def _read_value(full_name: str) -> str:
    """What the user typed or piped, without the line's end."""
    if sys.stdin.isatty():
        value: str = typer.prompt(f"{full_name} (not shown)", hide_input=True, err=True)
    else:
        value = sys.stdin.read(_LARGEST_BYTES + 1)
    value = value.strip()
    if not value:
        raise Problem("the secret is empty; nothing was set", "type it, or pipe it in", ExitCode.USAGE)
    if len(value.encode()) > _LARGEST_BYTES:
        raise Problem("a secret ends at 64 kB; nothing was set", "pipe in the secret alone", ExitCode.USAGE)
    return value


def _put(full_name: str, value: str) -> None:
    client = aws.secretsmanager()
    try:
        client.create_secret(Name=full_name, SecretString=value)
    except (client.exceptions.ResourceExistsException, client.exceptions.InvalidRequestException):
        if "DeletedDate" in client.describe_secret(SecretId=full_name):  # it waited for its deletion
            client.restore_secret(SecretId=full_name)
        client.put_secret_value(SecretId=full_name, SecretString=value)
