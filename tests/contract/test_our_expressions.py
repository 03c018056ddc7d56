"""Our own DynamoDB expressions, for what neither the emulator nor moto would refuse."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ministack.services._dynamodb_keywords import AWS_KEYWORDS

from cli.local.state import REPOSITORY

_SOURCES = [*(REPOSITORY / "layers").rglob("*.py"), *(REPOSITORY / "functions").rglob("*.py")]
_ATTRIBUTE = re.compile(r"(?<![#:\w.])([a-z_]\w*)(?!\w*\s*\()")
_OPERATORS = frozenset({"and", "or", "not", "between", "in"})


def test_no_key_condition_names_a_reserved_word():
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {name}"
        for path in _SOURCES
        for line, expression in _key_conditions(path)
        for name in _ATTRIBUTE.findall(expression.lower())
        if name not in _OPERATORS and name.upper() in AWS_KEYWORDS
    ]
    assert not found, "write these as #name, with the name in ExpressionAttributeNames"


def test_this_test_would_find_one():
    assert _ATTRIBUTE.findall("list = :list and begins_with(part, :p) and #ttl < :state") == [
        "list", "and", "part", "and",
    ]  # fmt: skip
    assert any(True for path in _SOURCES for _ in _key_conditions(path))


def _key_conditions(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "KeyConditionExpression":
            for text in ast.walk(node.value):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield node.value.lineno, text.value
