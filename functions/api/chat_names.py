"""Names in the paths of chats, whether or not the gateway has decoded them on the way."""

import re
from urllib.parse import unquote

from backstay.chats.names import CHAT_NAME

from .problems import invalid


def chat_name(field: str, raw: str) -> str:
    """The name that stands in a path.

    Raises:
        Refusal: it is none.
    """
    name = unquote(raw)
    if not re.fullmatch(CHAT_NAME, name):
        raise invalid(field, f"must have 1 to 128 of A-Z a-z 0-9 _ + . : @ - and match {CHAT_NAME}", raw[:100])
    return name
