"""The emulator as `backstay up` starts it, moto, and what the simulation stands on."""

import os
from collections.abc import Iterator

import pytest
from moto import mock_aws

from cli.local.environment import ACCOUNT
from cli.local.processes import Child, start_mark, stop
from cli.local.servers import Servers
from cli.local.state import StateDirectory
from tests.contract.clouds import MEMORY, MINISTACK, MOTO, Cloud, Scheduled, schedule, unique
from tests.memory.dynamodb import DynamoDB
from tests.memory.s3 import S3
from tests.memory.scheduler import Scheduler
from tests.memory.sqs import SQS


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """ministack, one for all contract tests; it ends with them, even if they are killed."""
    state = StateDirectory(tmp_path_factory.mktemp("contract"))
    state.prepare()
    servers = Servers(state, Child("tests", os.getpid(), start_mark(os.getpid()) or "unknown"))
    try:
        servers.start_emulator()
        yield Cloud(MINISTACK, ACCOUNT, servers.endpoint_url)
    finally:
        stop(servers.children)


@pytest.fixture(scope="session", autouse=True)
def scheduled(emulator: Cloud) -> Scheduled:
    """A schedule made at the start, since the emulator looks for due ones only every ten seconds."""
    name, queue = unique("job"), emulator.queue()
    return Scheduled(name, queue, schedule(emulator, name, queue, in_s=2))


@pytest.fixture
def moto() -> Iterator[Cloud]:
    """moto, empty for every test."""
    with mock_aws():
        yield Cloud(MOTO, "123456789012", None)


@pytest.fixture
def memory() -> Cloud:
    """The simulation's, empty for every test."""
    clients = {"dynamodb": DynamoDB(), "sqs": SQS(), "s3": S3(), "scheduler": Scheduler()}
    return Cloud(MEMORY, "123456789012", None, clients)


@pytest.fixture(params=["emulator", "moto", "memory"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each of the three in turn."""
    chosen: Cloud = request.getfixturevalue(request.param)
    return chosen
