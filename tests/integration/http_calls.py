"""What the stack gives `call-http`: its queues, its environment, and a backstay.toml that a test has written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from backstay import config
from backstay.catalog import Catalog
from backstay.settings import Environment
from tests.integration.conftest import make_queues

TASK = "call-http"
_FUNCTIONS = Path(__file__).parents[2] / "functions"


def catalog_with_call_http(folder: Path) -> Catalog:
    """The task, and the one by which every other tells of an end; with their queues."""
    for name in ("call_http", "deliver_webhook"):
        (folder / name).symlink_to(_FUNCTIONS / name)
    catalog = Catalog(folder)
    make_queues(catalog)
    return catalog


@contextmanager
def call_http_told(env: Environment, toml: str, folder: Path) -> Iterator[None]:
    """The function as if it were deployed with this backstay.toml."""
    from call_http import task

    (file := folder / "backstay.toml").write_text(toml)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKSTAY_CONFIG", str(file))
        for name, value in asdict(env).items():
            patch.setenv(f"BACKSTAY_{name.upper()}", value)
        config.load.cache_clear()
        task._calling.cache_clear()
        yield
    config.load.cache_clear()
    task._calling.cache_clear()
