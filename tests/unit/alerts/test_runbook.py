"""Whoever is woken finds what to do."""

import re

import pytest

from backstay.alerts.rules import BUILT_IN
from cli.local.state import REPOSITORY

RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))


def test_the_runbook_has_every_rule_and_no_other() -> None:
    assert set(SECTIONS) == set(BUILT_IN)


@pytest.mark.parametrize("rule", BUILT_IN)
def test_every_rule_says_what_it_means_what_to_look_at_and_what_to_do(rule: str) -> None:
    assert re.findall(r"^\*\*(.+?)\*\*", SECTIONS[rule], re.MULTILINE) == ["Means", "Look at", "Do"]
