"""Runs the checks that were chosen, one after another, under a key of its own, and leaves nothing behind."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from backstay.access.key import EVERY_TENANT, Scope
from backstay.access.key_store import KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from cli.api import Api
from cli.aws import acting_as
from cli.aws_check import fairness, paths, pausing, permissions, pollers, races, schedules, throttling, transactions
from cli.aws_check.finding import Finding, Verdict, verdict_of
from cli.aws_check.ground import Ground
from cli.problems import ExitCode, Problem
from cli.target import Target

Tell = Callable[[str], None]

_TENANTS = ("paths", "retried", "pausing", "noisy", "quiet", "schedules", "races")
"""Whose data is deleted. The cancelled job's record stays, since its message is still to come and must find it."""
_DELETING = "delete-tenant-data"
_DELETED_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it shows that the emulator can't, and how."""

    name: str
    shows: str
    findings: Callable[[Ground], Iterator[Finding]]
    begin: Callable[[Ground], object] = lambda _: None
    """Run before the first check: what takes long starts here."""


def checks(noisy_jobs: int) -> tuple[Check, ...]:
    """All checks, in the order of their running."""
    return (
        Check(permissions.NAME, "IAM lets each function do what it must, and no more", permissions.findings),
        Check(paths.NAME, "a job goes through every path under real permissions and keys", paths.findings),
        Check(pausing.NAME, "how long pollers take to stop and to start", pausing.findings),
        Check(transactions.NAME, "what becomes of transactions that conflict", transactions.findings),
        Check(races.NAME, "what becomes of one key submitted or rotated by many at once", races.findings),
        Check(pollers.NAME, "what an idle queue's pollers cost", pollers.findings),
        Check(throttling.NAME, "what the API does under more requests than it takes", throttling.findings),
        Check(
            fairness.NAME,
            "fair queues, and the most jobs at once",
            lambda ground: fairness.findings(ground, noisy_jobs),
        ),
        Check(schedules.NAME, "how late the Scheduler is (takes 16 minutes)", schedules.findings, schedules.begin),
    )


@contextmanager
def standing_on(target: Target) -> Iterator[Ground]:
    """The stage, under an API key that lives as long as the `with`.

    Raises:
        Problem: AWS or the API refuses.
    """
    with acting_as(target.aws), _with_key(target) as key, Api(replace(target, api_key=key)) as api:
        tasks = frozenset(str(task["task"]) for task in api.get("/api/stats")["tasks"])
        yield Ground(replace(target, api_key=key), api, tasks)


def run(ground: Ground, chosen: Collection[Check], tell: Tell) -> Iterator[Finding]:
    """Run these checks. A check that can't go on says so, and the next one follows."""
    try:
        for check in chosen:
            check.begin(ground)
        for check in chosen:
            tell(f"{check.name}: {check.shows}")
            try:
                yield from check.findings(ground)
            except (Problem, ClientError, BotoCoreError) as error:
                yield Finding(check.name, "the check ran to its end", Verdict.REFUTED, str(error))
    finally:
        tell("deleting what this run left")
        cleaned = _clean(ground)
    yield cleaned


def _clean(ground: Ground) -> Finding:
    """Delete the data of this run's tenants, which is a path through the house as well."""
    says = "a tenant's data is deleted on request"
    if _DELETING not in ground.tasks:
        return Finding("cleaning", says, Verdict.NOT_SHOWN, f"the task {_DELETING} is not deployed")
    jobs = [ground.api.delete(f"/api/tenants/{ground.tenant(name)}/data")["id"] for name in _TENANTS]
    ended = [ground.wait_for_job(job_id, _DELETED_WITHIN_S) for job_id in jobs]
    left = [f"job {job.id} is {job.state}: {job.why}" for job in ended if job and job.state != "completed"]
    return Finding("cleaning", says, verdict_of(not left), "; ".join(left))


@contextmanager
def _with_key(target: Target) -> Iterator[str]:
    store = KeyStore(target.outputs["KeysTable"], WebhookSecrets(target.outputs["SecretPrefix"]))
    try:
        issued = store.create("aws-check", EVERY_TENANT, [str(scope) for scope in Scope])
    except (ClientError, BotoCoreError) as error:
        remedy = "use a profile that may write the stage's tables and use its KMS key"
        raise Problem(f"no API key could be made: {error}", remedy, ExitCode.REFUSED) from error
    try:
        yield issued.key
    finally:
        store.revoke(issued.record.key_id)
