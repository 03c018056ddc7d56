"""What a redrive chooses, within what its tenant may reach."""

from datetime import datetime

from backstay.catalog import Catalog
from backstay.errors import Rejected
from backstay.jobs.dead_letters import DeadLetters, RedrivePlan, Selection
from backstay.jobs.keys import SYSTEM_TENANT
from backstay.settings import Environment

from .task import Redrive


def selection_of(wanted: Redrive, tenant: str, until: datetime | None = None) -> Selection:
    """The dead letters that are meant.

    Args:
        wanted: what was asked for.
        tenant: whose redrive it is. Only the system's reaches beyond its own tenant.
        until: only what failed before this.

    Raises:
        Rejected: it names another tenant than its own.
    """
    if tenant != SYSTEM_TENANT and wanted.tenant not in (None, tenant):
        raise Rejected(f"a redrive of tenant {tenant!r} may not touch the dead letters of {wanted.tenant!r}")
    return Selection(
        task=wanted.task,
        tenant=wanted.tenant if tenant == SYSTEM_TENANT else tenant,
        error_class=wanted.error_class,
        since=wanted.since,
        until=until or wanted.until,
        ids=tuple(dict.fromkeys(wanted.ids)),
    )


def plan_redrive(env: Environment, catalog: Catalog, wanted: Redrive, tenant: str) -> RedrivePlan:
    """What a redrive would do, without doing it: how many jobs, and what they may cost.

    Raises:
        Rejected: as `selection_of` does.
        UnknownTaskError: it names a task that there is not.
    """
    return DeadLetters(env, catalog).plan(selection_of(wanted, tenant))
