"""What has changed, as those who watch are told it: of one audience, coalesced, and never longer than a frame. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backstay.access.key import EVERY_TENANT
from backstay.clock import from_epoch_ms, iso
from backstay.jobs import keys
from backstay.jobs.counters import Image
from backstay.jobs.items import STATE_PART

MOST_LISTED = 50
"""Jobs that a frame names, and runs, and alerts."""

MOST_TASKS = 50
"""Tasks whose arrivals a frame counts."""

LARGEST_FRAME_BYTES = 32 * 1024
"""What a frame may have: API Gateway charges each 32 kB as a message, and splits what is longer."""

Arrivals = Mapping[str, Mapping[str, int]]
"""By task and state: how many jobs came into it."""


@dataclass(frozen=True, slots=True)
class JobChange:
    """How a job stood when it last changed."""

    id: str
    task: str
    state: str
    at: str
    """ISO 8601 in UTC, so that it sorts as text."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to one audience's work."""

    jobs: Mapping[str, JobChange] = field(default_factory=dict)
    """By id, the latest last."""
    arrivals: Arrivals = field(default_factory=dict)
    runs: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    is_partial: bool = False
    """Whether more changed than is listed."""

    def followed_by(self, later: "Changes") -> "Changes":
        """Both in one, no longer than either may be: of each job the latest, and of too many jobs the latest ones."""
        jobs = dict(self.jobs)
        for job in later.jobs.values():
            if job.id not in jobs or jobs[job.id].at <= job.at:
                jobs[job.id] = job
        latest = sorted(jobs.values(), key=lambda job: job.at)[-MOST_LISTED:]
        arrivals = _added(self.arrivals, later.arrivals)
        runs, alerts = self.runs | later.runs, self.alerts | later.alerts
        kept = Changes(
            jobs={job.id: job for job in latest},
            arrivals=dict(sorted(arrivals.items())[:MOST_TASKS]),
            runs=frozenset(sorted(runs)[:MOST_LISTED]),
            alerts=frozenset(sorted(alerts)[:MOST_LISTED]),
            is_partial=self.is_partial or later.is_partial,
        )
        if kept.is_partial or all(
            len(mine) == len(whole)
            for mine, whole in (
                (kept.jobs, jobs), (kept.arrivals, arrivals), (kept.runs, runs), (kept.alerts, alerts),
            )
        ):  # fmt: skip
            return kept
        return Changes(kept.jobs, kept.arrivals, kept.runs, kept.alerts, is_partial=True)

    def to_plain(self) -> dict[str, Any]:
        """As it travels; what there is none of is left out."""
        plain = {
            "jobs": [
                {"id": job.id, "task": job.task, "state": job.state, "changed_at": job.at} for job in self.jobs.values()
            ],
            "arrivals": {task: dict(states) for task, states in self.arrivals.items()},
            "runs": sorted(self.runs),
            "alerts": sorted(self.alerts),
            "is_partial": self.is_partial,
        }
        return {name: value for name, value in plain.items() if value}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Changes":
        """What `to_plain` wrote."""
        jobs = (JobChange(job["id"], job["task"], job["state"], job["changed_at"]) for job in plain.get("jobs", ()))
        return cls(
            jobs={job.id: job for job in jobs},
            arrivals=plain.get("arrivals", {}),
            runs=frozenset(plain.get("runs", ())),
            alerts=frozenset(plain.get("alerts", ())),
            is_partial=bool(plain.get("is_partial")),
        )


def of_stream(records: Iterable[Mapping[str, Any]]) -> dict[str, Changes]:
    """What the jobs table's stream tells, by tenant. Records that go for their age are no news."""
    found: dict[str, Changes] = {}
    for record in records:
        image: Image | None = record["dynamodb"].get("NewImage")
        if image is None or image["part"]["S"] != STATE_PART:
            continue
        tenant = keys.tenant_of(image["id"]["S"])
        found[tenant] = found.get(tenant, Changes()).followed_by(_of_job(record["dynamodb"].get("OldImage"), image))
    return found


def for_audiences(by_tenant: Mapping[str, Changes], audiences: Iterable[str]) -> dict[str, Changes]:
    """What each audience is told: a tenant of its own work, `*` of everybody's. Who has nothing to hear is left out."""
    told: dict[str, Changes] = {}
    for audience in audiences:
        for tenant, changes in by_tenant.items():
            if audience in (EVERY_TENANT, tenant):
                told[audience] = told.get(audience, Changes()).followed_by(changes)
    return told


def _of_job(old: Image | None, new: Image) -> Changes:
    job_id, task, state = (new[name]["S"] for name in ("id", "task", "state"))
    moved = old is None or old["state"]["S"] != state
    step = new.get("step")
    return Changes(
        jobs={job_id: JobChange(job_id, task, state, iso(from_epoch_ms(int(new["changed_at"]["N"]))))},
        arrivals={task: {state: 1}} if moved else {},
        runs=frozenset({step["M"]["run_id"]["S"]}) if step else frozenset(),
    )


def _added(one: Arrivals, other: Arrivals) -> dict[str, dict[str, int]]:
    total = {task: dict(states) for task, states in one.items()}
    for task, states in other.items():
        of_task = total.setdefault(task, {})
        for state, count in states.items():
            of_task[state] = of_task.get(state, 0) + count
    return total
