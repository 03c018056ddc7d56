"""`backstay keys`: API keys, made and ended under your AWS credentials rather than through the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from backstay.access.key import EVERY_TENANT, ApiKey, InvalidScopeError
from backstay.access.key_store import IssuedKey, KeyChangedError, KeyStore, UnknownKeyError
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.clock import iso
from backstay.jobs.keys import InvalidTenantError
from cli.aws import acting_as
from cli.options import Json
from cli.output import console, notes, print_json, print_table
from cli.problems import ExitCode, Problem
from cli.target import Session

app = typer.Typer(help="API keys: create, list, rotate, revoke.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="The key's id: what stands between bsk_ and the next _.")]


@contextmanager
def _store(context: typer.Context) -> Iterator[KeyStore]:
    session: Session = context.obj
    target = session.target
    with acting_as(target.aws):
        try:
            yield KeyStore(target.outputs["KeysTable"], WebhookSecrets(target.outputs["SecretPrefix"]))
        except UnknownKeyError as error:
            raise Problem(str(error), "list them: backstay keys ls", ExitCode.NOT_FOUND) from error
        except (InvalidScopeError, InvalidTenantError) as error:
            raise Problem(str(error), "mend the option", ExitCode.USAGE) from error
        except KeyChangedError as error:
            raise Problem(str(error), "look at it and try again", ExitCode.CONFLICT) from error
        except (BotoCoreError, ClientError) as error:
            raise Problem(str(error), "check the credentials and their permissions", ExitCode.NOT_REACHABLE) from error


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    tenant: Annotated[str, typer.Option(help="Whose work it may touch; * for all.")] = EVERY_TENANT,
    scope: Annotated[list[str] | None, typer.Option(help="submit, read, operate; may be repeated.")] = None,
    webhook: Annotated[bool, typer.Option("--webhook", help="Make a secret that signs its callbacks.")] = False,
    as_json: Json = False,
) -> None:
    """Create a key. It is shown once and kept nowhere."""
    with _store(context) as store:
        issued = store.create(name, tenant, scope or ["submit", "read"], webhook=webhook)
    _show_issued(issued, as_json)


@app.command("ls")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List keys, revoked ones too."""
    with _store(context) as store:
        keys = store.list()
    if as_json:
        print_json([_described(key) for key in keys])
        return
    columns = ("id", "name", "tenant", "scopes", "created", "revoked")
    rows = [[str(_described(key)[column] or "") for column in _FIELDS] for key in keys]
    print_table(columns, rows, "no keys")


_FIELDS = ("key_id", "name", "tenant", "scopes", "created_at", "revoked_at")


@app.command()
def rotate(
    context: typer.Context,
    key_id: KeyId,
    webhook: Annotated[bool, typer.Option("--webhook", help="Renew the secret that signs callbacks instead.")] = False,
    as_json: Json = False,
) -> None:
    """Give a key a new secret. The old one still works for 24 hours."""
    with _store(context) as store:
        if webhook:
            _show_secret(store.renew_webhook_secret(key_id), as_json)
        else:
            _show_issued(store.rotate(key_id), as_json)


@app.command()
def revoke(context: typer.Context, key_id: KeyId, as_json: Json = False) -> None:
    """End a key. It opens nothing within 30 seconds."""
    with _store(context) as store:
        ended = store.revoke(key_id)
    if as_json:
        print_json(_described(ended))
    else:
        console.print(f"key {key_id} ({ended.name}) is revoked")


def _described(key: ApiKey) -> dict[str, object]:
    times = {name: iso(value) for name, value in asdict(key).items() if isinstance(value, datetime)}
    return asdict(key) | times | {"scopes": " ".join(sorted(str(scope) for scope in key.scopes))}


def _show_issued(issued: IssuedKey, as_json: bool) -> None:
    if as_json:
        print_json(_described(issued.record) | {"key": issued.key, "webhook_secret": issued.webhook_secret})
        return
    notes.print("keep it now: it is shown this once")
    console.print(issued.key, soft_wrap=True)
    if issued.webhook_secret:
        console.print(issued.webhook_secret, soft_wrap=True)


def _show_secret(secret: str, as_json: bool) -> None:
    if as_json:
        print_json({"webhook_secret": secret})
    else:
        console.print(secret, soft_wrap=True)
