"""Email by way of SES, as plain text."""

from collections.abc import Sequence

from botocore import exceptions as aws_errors

from backstay import aws
from backstay.errors import NotNow, Rejected

from .message import Message

_LATER = {
    "InternalServiceErrorException",
    "LimitExceededException",
    "SendingPausedException",  # somebody pauses it and lets it go on
    "ServiceUnavailable",
    "ThrottlingException",
    "TooManyRequestsException",
}
_LONGEST_SUBJECT = 200


class Email:
    """One channel.

    Args:
        sender: an address that SES has verified, or one of such a domain.
        to: who gets it.
    """

    def __init__(self, sender: str, to: Sequence[str]) -> None:
        self._sender, self._to = sender, to

    def send(self, message: Message, within_s: float) -> None:  # noqa: ARG002 - the client has bounds of its own
        """Make one try.

        Raises:
            NotNow: SES does not answer, or asks to be asked later.
            Rejected: it does not take the message; says why.
        """
        try:
            aws.ses().send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": list(self._to)},
                Content={
                    "Simple": {
                        "Subject": {"Data": subject_of(message), "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": text_of(message), "Charset": "UTF-8"}},
                    }
                },
            )
        except (aws_errors.ConnectionError, aws_errors.HTTPClientError) as error:
            raise NotNow(f"SES did not answer: {error}") from error
        except aws_errors.ClientError as error:
            told = error.response.get("Error", {})
            said = f"SES: {told.get('Code')}: {told.get('Message')}"
            raise (NotNow(said) if told.get("Code") in _LATER else Rejected(said)) from error


def subject_of(message: Message) -> str:
    """One line."""
    return " ".join(f"[backstay {message.stage}] {message.headline}".split())[:_LONGEST_SUBJECT]


def text_of(message: Message) -> str:
    """The whole message, for any reader."""
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts.items())
    return "\n\n".join(part for part in (message.headline, message.text, facts, message.link, message.remedy) if part)
