"""What no line of a log may hold, whoever wrote it: keys and secrets by their form, and values that pydantic quotes."""

import re

HIDDEN = "(hidden)"

_SECRET = re.compile(
    r"bsk_[0-9a-f]{10}_[0-9a-f]{8,}"  # our keys
    r"|whsec_[\w+/=-]{8,}"
    r"|\b(?:sk|pk)-[\w-]{12,}"  # providers'
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|(?<=hooks\.slack\.com/services/)[\w/]+"
    r"|(?i:(?<=bearer )[\w.~+/=-]{8,})"
    r"|(?<=X-Amz-Signature=)\w+|(?<=X-Amz-Security-Token=)[\w%.-]+"  # presigned links open without anything else
    r"|(?<=input_value=).*?(?=, input_type=)",  # a job's input, or a model's answer
)


def hide_secrets(text: str) -> str:
    """The text with `(hidden)` in place of whatever looks like a secret."""
    return _SECRET.sub(HIDDEN, text)
