"""Texts of strangers in a prompt."""

import html
import json
from collections.abc import Mapping
from typing import Any


def as_data(element: str, document: Mapping[str, Any]) -> str:
    """A document as JSON in an element, such as `<story>…</story>`, that no text in it can close."""
    data = json.dumps(document, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<{element}>{data}</{element}>"


def as_text(element: str, text: str) -> str:
    """A text in an element that it can't close. It stands on lines of its own, so that white space at its ends is the
    same to a cache that normalises."""
    return f"<{element}>\n{html.escape(text, quote=False)}\n</{element}>"
