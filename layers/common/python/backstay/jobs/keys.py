"""Identities: of tenants, jobs and their places in the indexes."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backstay.clock import iso
from backstay.errors import BackstayError

SHARDS = 4
"""Partitions of each index value: one alone would limit a task or tenant to about 1,000 writes a second."""

DEFAULT_TENANT = "default"

SYSTEM_TENANT = "system"
"""Whose the operators' own jobs are: redrives and deletions over all tenants."""

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_JOB_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\.[a-z2-7]{24}")
_HASH_CHARACTERS = 24  # 120 bits: no two jobs meet by chance; 32 + 1 + 24 leaves room in a 64-character schedule name
_TIE_CHARACTERS = 6


class InvalidTenantError(BackstayError):
    """A tenant's name can't stand in keys and queue attributes."""


def is_tenant(text: str) -> bool:
    """Whether the text could be a tenant's name."""
    return _TENANT.fullmatch(text) is not None


def check_tenant(tenant: str) -> str:
    """The tenant's name itself.

    Raises:
        InvalidTenantError: it has other characters than a-z, 0-9 and hyphen, or more than 32.
    """
    if not is_tenant(tenant):
        raise InvalidTenantError(
            f"tenant {tenant!r} must have 1 to 32 characters of a-z, 0-9 and hyphen, and not start with a hyphen"
        )
    return tenant


def job_id(tenant: str, task: str, key: str) -> str:
    """The one id of this tenant's job of this task and key."""
    digest = hashlib.sha256(json.dumps([tenant, task, key]).encode()).digest()
    return f"{tenant}.{base64.b32encode(digest).decode().lower()[:_HASH_CHARACTERS]}"


def is_job_id(text: str) -> bool:
    """Whether the text could be a job's id."""
    return _JOB_ID.fullmatch(text) is not None


def tenant_of(an_id: str) -> str:
    """The tenant whose job this is; every id starts with it."""
    return an_id.split(".", 1)[0]


def fresh_key() -> str:
    """A key for a job whose caller gave none and whose task has no natural one."""
    return secrets.token_urlsafe(16)


def digest_of(document: Mapping[str, Any]) -> str:
    """A hash of a JSON document that doesn't depend on the order of its keys."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")


def shard_of(an_id: str) -> int:
    """The index shard of a job, by its id alone."""
    return int(hashlib.sha256(an_id.encode()).hexdigest()[:8], 16) % SHARDS


def state_key(task: str, state: str, shard: int) -> str:
    """Partition of the index `by_state`."""
    return f"{task}#{state}#{shard}"


def tenant_key(tenant: str, shard: int) -> str:
    """Partition of the index `by_tenant`."""
    return f"{tenant}#{shard}"


def budget_key(budget: str, shard: int) -> str:
    """Partition of the index `by_budget`: jobs that wait for this one, such as `tenant:acme daily`."""
    return f"{budget}#{shard}"


def stamp(moment: datetime, an_id: str) -> str:
    """A sort key that orders by time and tells apart what happened in the same millisecond."""
    return f"{iso(moment)}~{an_id.rsplit('.', 1)[-1][:_TIE_CHARACTERS]}"


def moment_of_stamp(stamped: str) -> str:
    """The ISO time of a sort key."""
    return stamped.split("~", 1)[0]
