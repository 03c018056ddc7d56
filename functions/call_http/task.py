"""call-http: one HTTP call for a saga or a caller, checked, bounded, and held back from a host that is down."""

import functools
import threading
from typing import TYPE_CHECKING

from backstay.task import Job, Task

from .models import HttpAnswer, HttpCall

if TYPE_CHECKING:
    from .calling import Calling

task = Task(
    name="call-http",
    input=HttpCall,
    output=HttpAnswer,
    timeout=75,  # a call may take 60
    concurrency=40,  # mostly waiting for others
    memory_mb=256,
    uses=("outbound-http", "outbound-secrets"),
)


@task.run
def call(wanted: HttpCall, job: Job) -> HttpAnswer:
    """Make one try.

    Raises:
        NotNow: the host can't be reached, or answered 408, 425, 429 or 5xx.
        CircuitOpen: the host has failed too often of late.
        Rejected: another status, an answer over 256 kB, or a header's secret that isn't there.
        BudgetExceeded, BudgetHeld: it is charged for, and there is no money for it now.
        AddressRefusedError: the URL, or a redirect, leads to where no call may go.
    """
    with _first_use:
        calling = _calling()
    return calling.call(wanted, job)


@functools.cache
def _calling() -> "Calling":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from backstay import config
    from backstay.circuits import Circuits
    from backstay.llm.api_keys import read_secret
    from backstay.outbound.policy import Policy
    from backstay.outbound.sender import Sender
    from backstay.settings import Environment

    from .calling import Calling
    from .charging import Charging
    from .header_secrets import HeaderSecrets

    settings, table = config.load(), Environment.read().guards_table
    sender, breaker = Sender(Policy.for_calls(settings.outbound)), Circuits(settings, table).of_hosts
    return Calling(sender, HeaderSecrets(read_secret), breaker, Charging(settings, table))


_first_use = threading.Lock()  # jobs that start together share one, and its ledger
