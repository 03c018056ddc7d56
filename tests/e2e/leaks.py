"""What no function may have written, looked for in all their logs at the end of a session."""

import json
from collections.abc import Iterator
from typing import Any

from backstay.dynamodb import decode_item
from backstay.redaction import hide_secrets
from cli.local.bridge import LogReader

from .stack import Stack

_SHORTEST_SECRET = 12
_SHORTEST_WORDS = 24
"""Shorter texts of inputs may stand in a log by chance."""


def leaks(stack: Stack) -> list[str]:
    """Secrets of the stage, keys of any kind and words of jobs' inputs that stand in a log, each with its line."""
    secrets, words = list(_secrets(stack)), list(_words(stack))
    return [
        f"{found[:40]!r} in {line[:400]}"
        for line in LogReader(stack.client("logs")).new_lines()
        for found in _found(line, secrets, words)
    ]


def _found(line: str, secrets: list[str], words: list[str]) -> Iterator[str]:
    yield from (text for text in (*secrets, *words) if text in line)
    if hide_secrets(line) != line:
        yield "what looks like a secret"


def _secrets(stack: Stack) -> Iterator[str]:
    """The values of all secrets, and the cloud's own key."""
    client = stack.client("secretsmanager")
    yield stack.cloud.api_key
    for page in client.get_paginator("list_secrets").paginate():
        for secret in page["SecretList"]:
            value = client.get_secret_value(SecretId=secret["ARN"])["SecretString"]
            if len(value) >= _SHORTEST_SECRET:
                yield value


def _words(stack: Stack) -> Iterator[str]:
    """Texts of several words in the inputs of jobs."""
    client, table = stack.client("dynamodb"), stack.cloud.outputs["JobsTable"]
    for page in client.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            if item.get("part", {}).get("S") == "input":
                yield from _texts(decode_item(item))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)
        case str() if value.startswith(("{", "[")):
            yield from _texts(_parsed(value))
        case str() if len(value) >= _SHORTEST_WORDS and " " in value:
            yield value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
