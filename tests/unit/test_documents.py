"""What documents say of figures and pictures is so."""

import json
import re
from pathlib import Path

import pytest

from cli.local.state import REPOSITORY

DOCS = REPOSITORY / "docs"
LARGEST_PICTURE_BYTES = 150_000


def test_what_a_deployment_costs_is_what_was_measured() -> None:
    results = json.loads((REPOSITORY / "bench" / "results.json").read_text(encoding="utf-8"))
    page = (DOCS / "deploy.md").read_text(encoding="utf-8")
    told = {name: float(usd) for usd, name in re.findall(r"\| about ([\d.]+) \| `(\w+)` \|", page)}
    assert set(told) == {"usd_idle_month", "usd_per_million_jobs"}
    for name, usd in told.items():
        assert results[name] == pytest.approx(usd, rel=0.1), name


@pytest.mark.parametrize("page", sorted([*DOCS.glob("*.md"), REPOSITORY / "README.md"]), ids=lambda page: page.name)
def test_every_file_that_a_page_leads_to_is_there(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_pictures_are_small() -> None:
    for picture in (DOCS / "pictures").iterdir():
        assert picture.stat().st_size <= LARGEST_PICTURE_BYTES, picture.name
