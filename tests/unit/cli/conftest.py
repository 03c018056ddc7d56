"""A fake API, and a state directory that says the embedded cloud is it."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local.processes import Child, start_mark
from cli.local.state import LocalCloud, StateDirectory
from tests.unit.cli.terminal import FakeApi


@pytest.fixture
def api() -> Iterator[FakeApi]:
    fake = FakeApi()
    thread = threading.Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.server.shutdown()
    thread.join()
    fake.server.server_close()


@pytest.fixture
def state(tmp_path: Path, api: FakeApi) -> StateDirectory:
    directory = StateDirectory(tmp_path / "state")
    directory.prepare()
    this = Child("aws", os.getpid(), start_mark(os.getpid()) or "")
    cloud = LocalCloud(api.url, "bsk_key", api.url, api.url, api.url, "", "dev", {}, {}, (this,))
    directory.write_cloud(cloud)
    return directory
