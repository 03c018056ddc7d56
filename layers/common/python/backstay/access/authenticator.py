"""From an `Authorization` header to a caller, with a cache whose age is stated."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from backstay import aws
from backstay.access.caller import Caller, Unauthenticated
from backstay.access.key import ApiKey, digest_of, is_key
from backstay.clock import Clock, utc_now
from backstay.dynamodb import decode_item

REMEMBER_S = 30.0
"""How long a process trusts what it read about a key; a revoked key may pass for as long."""

REMEMBER_UNKNOWN_S = 5.0
"""How long a process refuses a key that it did not find; a new one that was tried too early works after it."""

_MOST_REMEMBERED = 1_000  # strangers who try keys must not fill the memory
_HOW = "send the header 'Authorization: Bearer KEY'"


@dataclass(frozen=True, slots=True)
class _Remembered:
    record: ApiKey | None
    until: float


class Authenticator:
    """Knows the keys of one stage.

    Args:
        table: the keys table's name.
        clock: tells the time of day.
        elapsed: seconds that only ever grow.
    """

    def __init__(self, table: str, clock: Clock = utc_now, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._table, self._clock, self._elapsed = table, clock, elapsed
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, header: str | None) -> Caller:
        """The caller who sent this `Authorization` header.

        Raises:
            Unauthenticated: there is none, it is no bearer key, or the key is unknown, revoked or past its grace. The
                message never tells which of the last three, nor repeats the key.
        """
        record = self._record(digest_in(header))
        if record is None or not record.is_valid(self._clock()):
            raise Unauthenticated("the API key is not valid; it may be revoked or mistyped")
        return Caller(record.key_id, record.tenant, record.scopes, record.webhook_secret_name)

    def stands(self, digest: str) -> bool:
        """Whether the key of this hash still opens the door."""
        record = self._record(digest)
        return record is not None and record.is_valid(self._clock())

    def _record(self, digest: str) -> ApiKey | None:
        now = self._elapsed()
        with self._lock:
            known = self._remembered.get(digest)
        if known and now < known.until:
            return known.record
        record = self._read(digest)
        until = now + (REMEMBER_S if record else REMEMBER_UNKNOWN_S)
        with self._lock:
            self._remembered[digest] = _Remembered(record, until)
            self._remembered.move_to_end(digest)
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return record

    def _read(self, digest: str) -> ApiKey | None:
        answer = aws.dynamodb().get_item(TableName=self._table, Key={"key_hash": {"S": digest}})
        return ApiKey.from_item(decode_item(answer["Item"])) if "Item" in answer else None


def digest_in(header: str | None) -> str:
    """The hash of the key that an `Authorization` header shows.

    Raises:
        Unauthenticated: it shows none.
    """
    return digest_of(_bearer_key(header))


def _bearer_key(header: str | None) -> str:
    if not header:
        raise Unauthenticated(f"the request has no API key; {_HOW}")
    scheme, _, key = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(f"the authorization scheme is not Bearer; {_HOW}")
    if not is_key(key.strip()):
        raise Unauthenticated("the bearer token does not have the form of an API key, bsk_<id>_<secret>")
    return key.strip()
