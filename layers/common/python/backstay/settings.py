"""What a function is told by its environment. `backstay.config` reads backstay.toml."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from backstay.errors import BackstayError


class SettingsError(BackstayError):
    """The environment or backstay.toml lacks something or holds a wrong value."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment variables that the stack gives every function; `BACKSTAY_` and the field's name in capitals."""

    stage: str
    jobs_table: str
    content_table: str
    keys_table: str
    cache_table: str
    guards_table: str
    idempotency_table: str
    chats_table: str
    workflows_table: str
    alerts_table: str
    connections_table: str
    payloads_bucket: str
    queue_url_prefix: str
    """A queue's URL is this and the queue's name without stage, such as `enhance-story-high`."""
    queue_arn_prefix: str
    state_machine_arn_prefix: str
    """A saga's state machine has this and the saga's name as its ARN."""
    schedule_group: str
    schedule_role_arn: str
    secret_prefix: str
    """Secrets of this stage have names that start so, such as `backstay/dev/`."""
    function_prefix: str
    """Functions of this stage have names that start so, such as `backstay-dev-`."""

    @classmethod
    def read(cls, source: Mapping[str, str] = os.environ) -> "Environment":
        """Read all of it.

        Raises:
            SettingsError: names every variable that is missing.
        """
        names = {field.name: f"BACKSTAY_{field.name.upper()}" for field in fields(cls)}
        if missing := sorted(variable for variable in names.values() if variable not in source):
            raise SettingsError(f"environment variables are missing: {', '.join(missing)}; the stack sets them")
        return cls(**{name: source[variable] for name, variable in names.items()})

    def queue_url(self, queue: str) -> str:
        """The URL of a queue by its name without stage."""
        return self.queue_url_prefix + queue

    def queue_arn(self, queue: str) -> str:
        """The ARN of a queue by its name without stage."""
        return self.queue_arn_prefix + queue
