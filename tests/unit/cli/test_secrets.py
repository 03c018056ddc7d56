"""`backstay secrets set`: what is typed goes to Secrets Manager and nowhere else."""

import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from backstay import aws
from cli import secrets
from cli.problems import ExitCode, Problem
from cli.target import Target


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """A stage `dev` on an AWS of moto's."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        aws.forget_clients()
        yield Target("dev", "", None, {"SecretPrefix": "backstay/dev/"}, environment, is_local=False)
        aws.forget_clients()


def set_secret(stage: Target, name: str, value: str) -> Result:
    return CliRunner().invoke(secrets.app, ["set", name], input=value, obj=SimpleNamespace(target=stage))


def stored(name: str) -> str:
    return aws.secretsmanager().get_secret_value(SecretId=name)["SecretString"]


def test_a_secret_is_set_and_set_anew_and_never_shown(stage: Target) -> None:
    for value in ("hush-one", "hush-two"):
        ran = set_secret(stage, "provider/anthropic", f" {value}\n")
        assert ran.exit_code == ExitCode.OK
        assert "hush" not in ran.output
        assert "backstay/dev/provider/anthropic is set" in ran.output
        assert stored("backstay/dev/provider/anthropic") == value


def test_a_secret_that_waits_for_its_deletion_is_brought_back(stage: Target) -> None:
    set_secret(stage, "provider/openai", "old")
    aws.secretsmanager().delete_secret(SecretId="backstay/dev/provider/openai")
    assert set_secret(stage, "provider/openai", "new").exit_code == ExitCode.OK
    assert stored("backstay/dev/provider/openai") == "new"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("provider/a", " \n", "empty"), ("no name", "x", "is no name"), ("provider/a", "x" * 70_000, "64 kB")],
)
def test_what_can_be_no_secret_is_refused_before_anything_is_set(
    stage: Target, name: str, value: str, told: str
) -> None:
    ran = set_secret(stage, name, value)
    assert isinstance(ran.exception, Problem)
    assert told in ran.exception.cause
    assert ran.exception.code is ExitCode.USAGE
    assert aws.secretsmanager().list_secrets()["SecretList"] == []


def test_at_a_terminal_it_is_asked_for_without_an_echo() -> None:
    script = "from cli.secrets import _read_value; print(len(_read_value('backstay/dev/x')))"
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(controller, 1024)
    while termios.tcgetattr(controller)[3] & termios.ECHO:  # what is typed before it asks is thrown away
        time.sleep(0.01)
    os.write(controller, b"hush-hush\n")
    process.wait(60)
    shown += os.read(controller, 1024)
    os.close(controller)
    assert b"hush" not in shown
    assert b"9" in shown
