"""One embedded cloud for all e2e tests, with the real app deployed into it; gone when they are done.

Beside the app's own tasks it runs those of `tests/tasks`, which do as a test tells them. BACKSTAY_E2E_STATE_DIR names a
directory to keep the cloud in, running, for quick rounds of work on one test; `backstay down --state-dir` ends it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from backstay.config import FILE_NAME
from cli.local.cloud import Wish, down, up
from cli.local.processes import child_of
from cli.local.state import REPOSITORY, LocalCloud, StateDirectory
from cli.scaffold import write_task
from tests.app import gather
from tests.least_privilege.session import record, refused

from .leaks import leaks
from .stack import Stack

NEW_TASK = "count-words"
KEPT = "BACKSTAY_E2E_STATE_DIR"
AUDIT = "BACKSTAY_E2E_AUDIT"
"""Set, the cloud checks permissions as AWS does, and at the end logs are searched and grants are put on record."""
OWN_RULE, OWN_SOURCE = "acme.import_failed", "acme.imports"
"""A team's own rule over an event."""
RESET_S = 5
"""After so long the breaker of Anthropic lets a probe through."""


@pytest.fixture(scope="session")
def wish(tmp_path_factory: pytest.TempPathFactory) -> Wish:
    """The app with the tests' own tasks and sagas, a task of `backstay new task`, and a breaker that soon probes."""
    root = tmp_path_factory.mktemp("app")
    functions, sagas = gather(root)
    write_task(root, NEW_TASK)
    breaker = f"[providers.anthropic.breaker]\nreset_timeout_s = {RESET_S}\n"
    own_rule = (
        f'[alerts.rules."{OWN_RULE}"]\nevent = {{ source = ["{OWN_SOURCE}"], detail_type = ["Import failed"] }}\n'
    )
    config = root / FILE_NAME
    text = "\n".join([(REPOSITORY / FILE_NAME).read_text(encoding="utf-8"), breaker, own_rule])
    config.write_text(text, encoding="utf-8")
    return Wish(functions=functions, sagas=sagas, config=config, checks_permissions=AUDIT in os.environ)


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory, wish: Wish) -> Iterator[StateDirectory]:
    """The state directory of the cloud that runs for this session."""
    if kept := os.environ.get(KEPT):
        directory = StateDirectory(Path(kept))
        if not directory.cloud():
            up(directory, print, wish)
        yield directory
        return
    directory = StateDirectory(tmp_path_factory.mktemp("cloud") / "state")
    up(directory, print, replace(wish, owner=child_of("pytest", os.getpid())))
    yield directory
    down(directory)


@pytest.fixture(scope="session")
def cloud(state: StateDirectory) -> LocalCloud:
    """The cloud that runs for this session."""
    return state.require_cloud()


@pytest.fixture(scope="session")
def stack(cloud: LocalCloud) -> Iterator[Stack]:
    """The cloud from outside, under its own API key, which may do everything."""
    with httpx.Client(headers={"Authorization": f"Bearer {cloud.api_key}"}, timeout=40, trust_env=False) as http:
        yield Stack(cloud, http)


@pytest.fixture(scope="session", autouse=True)
def audit(request: pytest.FixtureRequest) -> Iterator[None]:
    """If asked for: no function tries what its role doesn't allow, and none writes a secret or a job's words into its
    log, whatever befalls it. The grants that were seen at work are put on record."""
    if AUDIT not in os.environ:
        yield
        return
    state, stack = request.getfixturevalue("state"), request.getfixturevalue("stack")
    yield
    record(state)
    assert refused(state) == []
    assert leaks(stack) == []


Backstay = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def backstay(state: StateDirectory) -> Backstay:
    """Runs the `backstay` command against the cloud, each time as a process of its own."""

    def run(
        *words: str, stdin: object = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", "--state-dir", str(state.path), *words],
            input="" if stdin is None else json.dumps(stdin),
            cwd=REPOSITORY,
            env=os.environ | (env or {}),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


class ModelServer:
    """The model server's script. Scripted behaviour is taken by the next request of any job, so such jobs run alone."""

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
