"""An embedded cloud of its own, in processes that end with this one."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import httpx

from bench.run import Run
from cli.local.cloud import Wish, down, up
from cli.local.processes import child_of
from cli.local.state import LocalCloud, StateDirectory


@contextmanager
def embedded(run: Run, wish: Wish) -> Iterator[LocalCloud]:
    """A cloud as wished for; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="backstay-cloud-"))
    state = StateDirectory(folder / "state")
    owner = child_of("the caller", os.getpid())
    try:
        with run.console.status("starting the embedded cloud"):
            cloud = up(state, lambda _: None, replace(wish, owner=owner))
        yield cloud
    finally:
        down(state)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def calling(cloud: LocalCloud) -> Iterator[httpx.Client]:
    """Calls to the cloud's API, under its own key, which may do everything."""
    with httpx.Client(headers={"Authorization": f"Bearer {cloud.api_key}"}, timeout=40, trust_env=False) as http:
        yield http


@contextmanager
def with_tasks(wish: Wish, *folders: Path) -> Iterator[Wish]:
    """The wish, with the tasks of these folders beside its own."""
    with tempfile.TemporaryDirectory(prefix="backstay-functions-") as temporary:
        functions = Path(temporary) / "functions"
        for source in (wish.functions, *folders):
            shutil.copytree(source, functions, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        yield replace(wish, functions=functions)


def client_of(cloud: LocalCloud, service: str) -> Any:
    """A client of one of the emulator's services."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=cloud.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def history_of(cloud: LocalCloud, saga: str, run_id: str, execution: int = 1) -> list[Mapping[str, Any]]:
    """What Step Functions has on record of a run's execution."""
    sfn = client_of(cloud, "stepfunctions")
    machines = sfn.list_state_machines()["stateMachines"]
    arn = next(machine["stateMachineArn"] for machine in machines if machine["name"].endswith(f"-{saga}"))
    execution_arn = f"{arn.replace(':stateMachine:', ':execution:')}:{run_id}-{execution}"
    pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]
