"""One embedded cloud for all e2e tests, with the real app deployed into it; gone when they are done.

BACKSTAY_E2E_STATE_DIR names the state directory of a cloud that runs already (`backstay up`), for quick rounds of work
on one test.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.api import Api
from cli.local.cloud import Wish, down, up
from cli.local.processes import child_of
from cli.local.state import LocalCloud, StateDirectory
from cli.target import local_target

RUNNING_CLOUD = "BACKSTAY_E2E_STATE_DIR"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder runs on the embedded cloud."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateDirectory]:
    """The state directory of the cloud that runs for this session."""
    if running := os.environ.get(RUNNING_CLOUD):
        yield StateDirectory(Path(running))
        return
    directory = StateDirectory(tmp_path_factory.mktemp("cloud") / "state")
    up(directory, print, Wish(owner=child_of("pytest", os.getpid())))
    yield directory
    down(directory)


@pytest.fixture(scope="session")
def cloud(state: StateDirectory) -> LocalCloud:
    """Where the cloud answers."""
    return state.require_cloud()


@pytest.fixture(scope="session")
def api(cloud: LocalCloud, state: StateDirectory) -> Iterator[Api]:
    """The API under the cloud's own key, which may do everything."""
    with Api(local_target(cloud, state)) as client:
        yield client


class ModelServer:
    """The model server's script. Scripted behaviour is taken by the next request of any job, so jobs run alone."""

    def __init__(self, url: str) -> None:
        self._admin = f"{url}/_llmock"

    def reset(self) -> None:
        """Behave well from now on, and forget what was asked."""
        httpx.post(f"{self._admin}/reset", trust_env=False).raise_for_status()

    def must(self, *behaviors: dict[str, object]) -> None:
        """Do these things first, as in `POST /_llmock/scenario`."""
        httpx.post(f"{self._admin}/scenario", json={"behaviors": behaviors}, trust_env=False).raise_for_status()

    def requests(self) -> list[dict[str, object]]:
        """What was asked since the last reset."""
        answer = httpx.get(f"{self._admin}/requests", trust_env=False).raise_for_status()
        asked: list[dict[str, object]] = answer.json()["requests"]
        return asked


@pytest.fixture
def model_server(cloud: LocalCloud) -> Iterator[ModelServer]:
    """The model server, well-behaved at the start and at the end."""
    server = ModelServer(cloud.llm_url)
    server.reset()
    yield server
    server.reset()
