"""Tells those who watch what a process has seen change. Where nobody does, it costs a small read every few seconds."""

import json
import time
from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from backstay import aws
from backstay.live.changes import Changes, for_audiences
from backstay.live.connections import ConnectionStore
from backstay.settings import Environment
from backstay.telemetry import logger

QUEUE = "live"
"""Without stage. What is told goes through it, so that nobody's work waits for sockets."""

WATCHED_AGE_S = 3.0
"""How long a process trusts what it knows of who watches; a new socket may miss as much, and asks meanwhile."""


class Teller:
    """Knows who watches, and sends them what changed.

    Args:
        env: what the stack tells.
        elapsed: seconds that only ever grow.
    """

    def __init__(self, env: Environment, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._env, self._elapsed = env, elapsed
        self._connections = ConnectionStore(env.connections_table)
        self._audiences: frozenset[str] = frozenset()
        self._until = float("-inf")

    def tell(self, read: Callable[[], Mapping[str, Changes]]) -> None:
        """Tell what changed. A failure is logged and no more: whoever watches asks by themselves now and then.

        Args:
            read: what changed, by tenant; called only where somebody watches.
        """
        try:
            if audiences := self._watching():
                self._send(for_audiences(read(), audiences))
        except (BotoCoreError, ClientError):
            logger().warning("those who watch could not be told", exc_info=True)

    def _watching(self) -> frozenset[str]:
        now = self._elapsed()
        if now >= self._until:
            self._audiences = frozenset(connection.audience for connection in self._connections.all())
            self._until = now + WATCHED_AGE_S
        return self._audiences

    def _send(self, told: Mapping[str, Changes]) -> None:
        url = self._env.queue_url(QUEUE)
        for audience, changes in told.items():
            body = json.dumps({"audience": audience, "changes": changes.to_plain()}, separators=(",", ":"))
            aws.sqs().send_message(QueueUrl=url, MessageBody=body)
