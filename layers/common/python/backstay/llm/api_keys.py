"""The providers' API keys, out of Secrets Manager. They are never logged and stand in no error."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backstay import aws
from backstay.errors import ErrorClass, WorkError
from backstay.settings import Environment

FRESH_S = 300.0
"""A rotated key is in use everywhere within five minutes; one that a provider refused is read again at once."""


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str | None
    read_at: float


class ApiKeys:
    """API keys by the name of their secret, each kept for five minutes, also where there is none.

    Args:
        read: a key by its secret's name; `place_of_secret` where it is enough to know that there is one.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, read: Callable[[str], str | None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read or read_secret, clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def get(self, secret: str) -> str | None:
        """The key, or None where the secret does not exist or is empty.

        Raises:
            WorkError: Secrets Manager did not answer.
        """
        with self._lock:  # ten jobs that start together read it once
            kept = self._kept.get(secret)
            if kept is None or self._clock() - kept.read_at > FRESH_S:
                kept = self._kept[secret] = _Kept(self._read(secret), self._clock())
        return kept.value

    def forget(self, secret: str) -> None:
        """Read it anew when it is next asked for."""
        with self._lock:
            self._kept.pop(secret, None)


def read_secret(name: str) -> str | None:
    """A secret of this stage by its name without the stage's prefix, or None.

    Raises:
        WorkError: Secrets Manager did not answer.
    """
    answer = _ask(aws.secretsmanager().get_secret_value, name)
    return answer.get("SecretString", "").strip() or None


def place_of_secret(name: str) -> str | None:
    """The ARN of a secret of this stage, or None where there is none; for who may know of it and not read it.

    Raises:
        WorkError: Secrets Manager did not answer.
    """
    answer = _ask(aws.secretsmanager().describe_secret, name)
    return None if answer.get("DeletedDate") else answer.get("ARN")


def _ask(about: Callable[..., Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError

    unknown = aws.secretsmanager().exceptions
    full_name = Environment.read().secret_prefix + name
    try:
        return about(SecretId=full_name)
    except (unknown.ResourceNotFoundException, unknown.InvalidRequestException):
        return {}  # the latter is what AWS says of a secret that waits for its deletion
    except (BotoCoreError, ClientError) as error:
        raise WorkError(ErrorClass.UNREACHABLE, f"secret {full_name} can't be read: {error}") from error
