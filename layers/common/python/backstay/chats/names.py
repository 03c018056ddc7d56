"""Names that chats are found by: of sessions, users and messages. They stand in URLs and in keys of the table."""

from typing import Annotated

from pydantic import StringConstraints

CHAT_NAME = r"^[A-Za-z0-9_+][A-Za-z0-9_+.:@-]{0,127}$"

ChatName = Annotated[str, StringConstraints(pattern=CHAT_NAME)]
"""1 to 128 of letters, digits and `_ + . : @ -`, such as `whatsapp:+491701234567`; the first is no dot or hyphen."""
