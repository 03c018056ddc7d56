"""The providers' API keys, out of Secrets Manager. They are never logged and stand in no error."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

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
    """API keys by the name of their secret, each kept for five minutes, also where there is none."""

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
    from botocore.exceptions import BotoCoreError, ClientError

    client = aws.secretsmanager()
    full_name = Environment.read().secret_prefix + name
    try:
        answer = client.get_secret_value(SecretId=full_name)
    except (client.exceptions.ResourceNotFoundException, client.exceptions.InvalidRequestException):
        return None  # the latter is what AWS says of a secret that waits for its deletion
    except (BotoCoreError, ClientError) as error:
        raise WorkError(ErrorClass.UNREACHABLE, f"secret {full_name} can't be read: {error}") from error
    return answer.get("SecretString", "").strip() or None
