"""The secrets that sign webhooks: one for each API key that asked, in Secrets Manager, rotating with an overlap."""

import base64
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backstay import aws
from backstay.clock import Clock, from_iso, iso, utc_now
from backstay.errors import BackstayError

OVERLAP = timedelta(hours=24)
"""How long the secret before the current one signs too, so that receivers can change over."""

_SECRET_BYTES = 32  # Standard Webhooks asks for 24 to 64
_PREFIX = "whsec_"


class WebhookSecretError(BackstayError):
    """A key has no webhook secret."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """One secret in `whsec_` form. `retired_at` is when it was replaced, None for the current one."""

    secret: str
    created_at: datetime
    retired_at: datetime | None = None

    def signs_at(self, now: datetime) -> bool:
        """Whether it still signs."""
        return self.retired_at is None or now < self.retired_at + OVERLAP


def read_secrets(text: str) -> tuple[SigningSecret, ...]:
    """The secrets from the JSON list in Secrets Manager; the current one comes first."""
    return tuple(
        SigningSecret(
            entry["secret"],
            from_iso(entry["created_at"]),
            from_iso(entry["retired_at"]) if entry.get("retired_at") else None,
        )
        for entry in json.loads(text)
    )


def write_secrets(entries: Iterable[SigningSecret]) -> str:
    """The JSON list that `read_secrets` reads."""
    return json.dumps(
        [
            {
                "secret": entry.secret,
                "created_at": iso(entry.created_at),
                "retired_at": iso(entry.retired_at) if entry.retired_at else None,
            }
            for entry in entries
        ]
    )


class WebhookSecrets:
    """The webhook secrets of one stage.

    Args:
        secret_prefix: the stage's, such as `backstay/dev/`.
        clock: tells the time.
    """

    def __init__(self, secret_prefix: str, clock: Clock = utc_now) -> None:
        self._prefix, self._clock = secret_prefix, clock

    def name_of(self, key_id: str) -> str:
        """The name in Secrets Manager of a key's secret."""
        return f"{self._prefix}webhook/{key_id}"

    def renew(self, key_id: str) -> str:
        """Make a key's first secret or replace the current one, and answer it; replaced ones sign for 24 hours more."""
        client, now = aws.secretsmanager(), self._clock()
        fresh = SigningSecret(_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode(), now)
        try:
            client.create_secret(
                Name=self.name_of(key_id),
                Description=f"Signs webhooks of API key {key_id}",
                SecretString=write_secrets([fresh]),
            )
        except client.exceptions.ResourceExistsException:
            current, *older = self._read(key_id)
            kept = [replace(current, retired_at=now), *(entry for entry in older if entry.signs_at(now))]
            client.put_secret_value(SecretId=self.name_of(key_id), SecretString=write_secrets([fresh, *kept]))
        return fresh.secret

    def signing(self, key_id: str) -> tuple[str, ...]:
        """What signs a key's webhooks now, the current secret first. Read afresh: cache it for minutes, not hours.

        Raises:
            WebhookSecretError: the key has none.
        """
        now = self._clock()
        return tuple(entry.secret for entry in self._read(key_id) if entry.signs_at(now))

    def delete(self, key_id: str) -> None:
        """Delete a key's secret; harmless when there is none. It can be brought back for seven days."""
        client = aws.secretsmanager()
        try:
            client.delete_secret(SecretId=self.name_of(key_id), RecoveryWindowInDays=7)
        except client.exceptions.ResourceNotFoundException:
            return  # gone is what was asked for

    def _read(self, key_id: str) -> tuple[SigningSecret, ...]:
        client = aws.secretsmanager()
        try:
            text = client.get_secret_value(SecretId=self.name_of(key_id))["SecretString"]
        except (client.exceptions.ResourceNotFoundException, client.exceptions.InvalidRequestException) as error:
            # AWS calls the read of a secret that waits for its deletion an invalid request.
            raise WebhookSecretError(
                f"key {key_id} has no webhook secret; create one with 'backstay keys rotate {key_id} --webhook'"
            ) from error
        return read_secrets(text)
