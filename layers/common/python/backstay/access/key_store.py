"""The keys table: issuing, rotating, revoking and listing API keys. Run by the CLI under its own credentials.

A key is an item under its hash. Beside it stands a pointer under `id#<key id>` that names the hashes which this id has:
the current one, and the one before while its grace lasts. Every change writes both in one transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from backstay import aws
from backstay.access.key import EVERY_TENANT, ApiKey, digest_of, key_id_of, new_key, new_key_id, read_scopes
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.clock import Clock, utc_now
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError
from backstay.jobs.keys import SYSTEM_TENANT, InvalidTenantError, check_tenant

GRACE = timedelta(hours=24)
"""How long a rotated key's old secret still opens the door, so that callers can change over."""

_REVOKED_KEPT = timedelta(days=90)  # listed for whoever asks later what happened
_LIST = "keys"
_LIST_INDEX = "by_list"


class UnknownKeyError(BackstayError):
    """No key has this id, or it is revoked."""


class KeyChangedError(BackstayError):
    """Somebody else changed the key at the same moment; nothing was written."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key as it is shown, once."""

    key: str
    record: ApiKey
    webhook_secret: str | None = None
    """Set when one was made or replaced along with the key."""


class KeyStore:
    """The API keys of one stage.

    Args:
        table: the keys table's name.
        webhook_secrets: where webhook secrets are made.
        clock: tells the time.
    """

    def __init__(self, table: str, webhook_secrets: WebhookSecrets, clock: Clock = utc_now) -> None:
        self._table, self._webhook_secrets, self._clock = table, webhook_secrets, clock

    def create(self, name: str, tenant: str, scopes: Iterable[str], *, webhook: bool = False) -> IssuedKey:
        """Issue a key.

        Args:
            name: what the key is for, for people.
            tenant: whose work it may touch, or `*`.
            scopes: of `submit`, `read`, `operate`.
            webhook: whether to make a secret that signs its callbacks (a secret has a monthly price).

        Raises:
            InvalidScopeError: a scope is unknown, or there is none.
            InvalidTenantError: the tenant's name can't be one, or is Backstay's own.
        """
        if tenant == SYSTEM_TENANT:
            raise InvalidTenantError(f"tenant {tenant!r} is Backstay's own; a key of '*' sees its jobs")
        if tenant != EVERY_TENANT:
            check_tenant(tenant)
        key_id = new_key_id()
        record = ApiKey(key_id, name, tenant, read_scopes(frozenset(scopes)), self._clock())
        if webhook:
            record = replace(record, webhook_secret_name=self._webhook_secrets.name_of(key_id))
        key = new_key(key_id)
        digest = digest_of(key)
        self._write(self._put(digest, record), self._point(key_id, digest, was=None, previous=None))
        return IssuedKey(key, record, self._webhook_secrets.renew(key_id) if webhook else None)

    def rotate(self, key_id: str, *, grace: timedelta = GRACE) -> IssuedKey:
        """Give a key a new secret; the old one still works for a while, any older one no more.

        Args:
            key_id: stays the same.
            grace: how long the old secret still works; none at all ends it at once.

        Raises:
            UnknownKeyError: no key has this id, or it is revoked.
            KeyChangedError: somebody else changed it at the same moment.
        """
        pointer, current = self._current(key_id)
        now = self._clock()
        fresh = replace(current, rotated_at=now, expires_at=None)
        key = new_key(key_id)
        digest, old = digest_of(key), pointer["current"]
        self._write(
            self._put(digest, fresh),
            self._retire(old, current, now + grace),
            self._drop(pointer.get("previous")),
            self._point(key_id, digest, was=old, previous=old),
        )
        return IssuedKey(key, fresh)

    def renew_webhook_secret(self, key_id: str) -> str:
        """Make or replace the secret that signs a key's callbacks, and answer it; the one before signs for 24 h more.

        Raises:
            UnknownKeyError: no key has this id, or it is revoked.
            KeyChangedError: somebody else changed it at the same moment.
        """
        pointer, current = self._current(key_id)
        secret = self._webhook_secrets.renew(key_id)
        if current.webhook_secret_name is None:
            named = replace(current, webhook_secret_name=self._webhook_secrets.name_of(key_id))
            self._write(
                self._put(pointer["current"], named, new=False),
                self._point(key_id, pointer["current"], was=pointer["current"], previous=pointer.get("previous")),
            )
        return secret

    def revoke(self, key_id: str) -> ApiKey:
        """End a key, with its old secret and its webhook secret. Caches let it pass for up to 30 s more.

        Raises:
            UnknownKeyError: no key has this id, or it is revoked already.
            KeyChangedError: somebody else changed it at the same moment.
        """
        pointer, current = self._current(key_id)
        now = self._clock()
        ended = replace(current, revoked_at=now)
        self._write(
            self._put(pointer["current"], ended, ttl=now + _REVOKED_KEPT, new=False),
            self._drop(pointer.get("previous")),
            self._point(key_id, pointer["current"], was=pointer["current"], previous=None),
        )
        if current.webhook_secret_name:
            self._webhook_secrets.delete(key_id)
        return ended

    def get(self, key_id: str) -> ApiKey | None:
        """The key of this id as it stands, revoked or not, or None."""
        pointer = self._item(f"id#{key_id}")
        item = self._item(pointer["current"]) if pointer else None
        return ApiKey.from_item(item) if item else None

    def is_forged(self, key: str) -> bool:
        """Whether a key has the id of one that stands, and a secret that this one does not have and had not of late."""
        if self._item(digest_of(key)) is not None:
            return False  # revoked or replaced, and remembered still
        stands = self.get(key_id_of(key))
        return stands is not None and stands.revoked_at is None

    def list(self) -> tuple[ApiKey, ...]:
        """Every key, oldest first; revoked ones for 90 days."""
        found = aws.query_all(
            TableName=self._table,
            IndexName=_LIST_INDEX,
            KeyConditionExpression="#list = :keys",
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues={":keys": {"S": _LIST}},
        )
        return tuple(ApiKey.from_item(decode_item(item)) for item in found)

    def _current(self, key_id: str) -> tuple[Mapping[str, Any], ApiKey]:
        pointer = self._item(f"id#{key_id}")
        item = self._item(pointer["current"]) if pointer else None
        if pointer is None or item is None:
            raise UnknownKeyError(f"there is no key {key_id!r}; 'backstay keys ls' shows which there are")
        record = ApiKey.from_item(item)
        if record.revoked_at is not None:
            raise UnknownKeyError(f"key {key_id!r} is revoked; create another")
        return pointer, record

    def _item(self, key_hash: str) -> dict[str, Any] | None:
        answer = aws.dynamodb().get_item(TableName=self._table, Key={"key_hash": {"S": key_hash}}, ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def _put(self, digest: str, record: ApiKey, *, ttl: datetime | None = None, new: bool = True) -> dict[str, Any]:
        item = {"key_hash": digest, "list": _LIST, **record.to_item(), "ttl": int(ttl.timestamp()) if ttl else None}
        condition = "attribute_not_exists(key_hash)" if new else "attribute_exists(key_hash)"
        return {"Put": {"TableName": self._table, "Item": encode_item(item), "ConditionExpression": condition}}

    def _retire(self, digest: str, record: ApiKey, until: datetime) -> dict[str, Any]:
        """The old secret's item: out of the list, and gone when its grace is."""
        item = {"key_hash": digest, **replace(record, expires_at=until).to_item(), "ttl": int(until.timestamp()) + 1}
        return {"Put": {"TableName": self._table, "Item": encode_item(item)}}

    def _drop(self, digest: str | None) -> dict[str, Any] | None:
        return {"Delete": {"TableName": self._table, "Key": {"key_hash": {"S": digest}}}} if digest else None

    def _point(self, key_id: str, digest: str, *, was: str | None, previous: str | None) -> dict[str, Any]:
        item = {"key_hash": f"id#{key_id}", "current": digest, "previous": previous}
        put: dict[str, Any] = {"TableName": self._table, "Item": encode_item(item)}
        if was is None:
            put["ConditionExpression"] = "attribute_not_exists(key_hash)"
        else:
            put |= {
                "ConditionExpression": "#current = :was",
                "ExpressionAttributeNames": {"#current": "current"},
                "ExpressionAttributeValues": {":was": {"S": was}},
            }
        return {"Put": put}

    def _write(self, *changes: dict[str, Any] | None) -> None:
        dynamodb = aws.dynamodb()
        items: Any = [change for change in changes if change]
        try:
            dynamodb.transact_write_items(TransactItems=items)
        except dynamodb.exceptions.TransactionCanceledException as error:
            raise KeyChangedError("somebody else changed the key at the same moment; look and try again") from error
