"""The campaign's tasks with their tables in moto, and a model server."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from backstay.catalog import Catalog
from backstay.jobs.record import JobRecord, State
from backstay.llm.process import forget_switchboard
from backstay.settings import Environment
from tests.integration.conftest import Machine, SettableClock, make_queues
from tests.integration.samples import FUNCTIONS, forget_processes

TENANT = "acme"
RUN = f"{TENANT}.{'r' * 24}"


@pytest.fixture
def house(cloud: Environment, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Workers of the real tasks, in processes that know nothing yet."""
    for name, value in dataclasses.asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    catalog = Catalog(FUNCTIONS)
    make_queues([catalog.get(name) for name in ("parse-command", "generate-content", "compensate-content")])
    forget_processes()
    yield Machine(cloud, catalog, clock)
    forget_processes()


@pytest.fixture
def model(tmp_path: Path, llmock: LLMock, monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMock]:
    """A model on this machine, which needs no key."""
    path = tmp_path / "backstay.toml"
    path.write_text(
        f'[providers.house]\nkind = "compatible"\nbase_url = "{llmock.base_url()}"\n'
        '[routes]\ndefault = ["house/tiny"]\n[prices."house/tiny"]\ninput = 1\noutput = 1\n'
    )
    monkeypatch.setenv("BACKSTAY_CONFIG", str(path))
    forget_switchboard()
    yield llmock
    forget_switchboard()


@pytest.fixture
def no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deployment without a provider."""
    path = tmp_path / "backstay.toml"
    path.write_text("")
    monkeypatch.setenv("BACKSTAY_CONFIG", str(path))
    forget_switchboard()
    yield
    forget_switchboard()


def work(house: Machine, task: str, work: dict[str, Any], **more: Any) -> JobRecord:
    """A job of the tenant's, delivered once."""
    job = house.submit(task, work, **{"tenant": TENANT, **more})
    house.deliver(task, remaining_ms=75_000)
    return house.record(job.id)


def result_of(record: JobRecord) -> dict[str, Any]:
    """What a job that completed answered."""
    assert record.state is State.COMPLETED, record.error or record.failures
    assert record.result is not None
    result: dict[str, Any] = json.loads(record.result.inline or "")
    return result
