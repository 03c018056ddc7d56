"""API keys: what one looks like, what is kept of it, and when it still opens the door. Pure."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backstay.clock import from_iso, iso
from backstay.errors import BackstayError

EVERY_TENANT = "*"
"""Tenant of a key that may act for all."""

_ID_BYTES = 5
_SECRET_BYTES = 24  # 192 bits of chance: beyond guessing, so the hash at rest needs no salt and no slow function
_KEY = re.compile(rf"bsk_([0-9a-f]{{{2 * _ID_BYTES}}})_[0-9a-f]{{{2 * _SECRET_BYTES}}}")


class Scope(StrEnum):
    """What a key may be used for."""

    SUBMIT = "submit"
    """Bring work: jobs, uploads, stories."""
    READ = "read"
    """See jobs, statistics, dead letters, stories."""
    OPERATE = "operate"
    """Pause, resume, redrive, delete a tenant's data."""


class InvalidScopeError(BackstayError):
    """A key was asked for with a scope that doesn't exist, or with none."""


def read_scopes(names: frozenset[str]) -> frozenset[Scope]:
    """Scopes by name.

    Raises:
        InvalidScopeError: one is unknown, or there is none.
    """
    known = {str(scope) for scope in Scope}
    if unknown := sorted(names - known):
        raise InvalidScopeError(f"scope {unknown[0]!r} is unknown; choose from {', '.join(sorted(known))}")
    if not names:
        raise InvalidScopeError(f"a key needs at least one scope of {', '.join(sorted(known))}")
    return frozenset(Scope(name) for name in names)


def new_key_id() -> str:
    """A fresh key id: public, part of the key, stays through rotations."""
    return secrets.token_hex(_ID_BYTES)


def new_key(key_id: str) -> str:
    """A fresh key of this id, `bsk_<id>_<secret>`. Shown once and kept nowhere."""
    return f"bsk_{key_id}_{secrets.token_hex(_SECRET_BYTES)}"


def is_key(text: str) -> bool:
    """Whether the text has the form of a key; what has not can be refused without looking it up."""
    return _KEY.fullmatch(text) is not None


def key_id_of(key: str) -> str:
    """The id that a text of a key's form carries."""
    return key.split("_")[1]


def digest_of(key: str) -> str:
    """What is stored of a key, and what it is looked up by: its SHA-256.

    Looking up the hash leaks no timing about the key: who can steer the hash's prefix can't steer the key.
    """
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of one key. Times are UTC."""

    key_id: str
    name: str
    tenant: str
    """Whose work it may touch, or `*`."""
    scopes: frozenset[Scope]
    created_at: datetime
    rotated_at: datetime | None = None
    expires_at: datetime | None = None
    """End of the grace that a rotated key's old secret has."""
    revoked_at: datetime | None = None
    webhook_secret_name: str | None = None
    """Name in Secrets Manager of what signs this key's callbacks."""

    def is_valid(self, now: datetime) -> bool:
        """Whether the key opens the door at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def to_item(self) -> dict[str, Any]:
        """The plain attributes of its item; None where there is nothing to say."""
        return {
            "key_id": self.key_id,
            "name": self.name,
            "tenant": self.tenant,
            "scopes": sorted(str(scope) for scope in self.scopes),
            "created_at": iso(self.created_at),
            "rotated_at": _text(self.rotated_at),
            "expires_at": _text(self.expires_at),
            "revoked_at": _text(self.revoked_at),
            "webhook_secret_name": self.webhook_secret_name,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "ApiKey":
        """The key from plain attributes."""
        return cls(
            key_id=item["key_id"],
            name=item["name"],
            tenant=item["tenant"],
            scopes=frozenset(Scope(name) for name in item["scopes"]),
            created_at=from_iso(item["created_at"]),
            rotated_at=_moment(item.get("rotated_at")),
            expires_at=_moment(item.get("expires_at")),
            revoked_at=_moment(item.get("revoked_at")),
            webhook_secret_name=item.get("webhook_secret_name"),
        )


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _moment(text: str | None) -> datetime | None:
    return from_iso(text) if text else None
