"""What those who watch are told."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.dynamodb import encode_item
from backstay.live.changes import (
    LARGEST_FRAME_BYTES,
    MOST_LISTED,
    MOST_TASKS,
    Changes,
    JobChange,
    for_audiences,
    of_stream,
)
from backstay.live.pushing import frame_of

AT = "2026-11-25T14:00:00.000Z"
STATES = ("waiting", "delayed", "active", "completed", "failed", "cancelled")
TENANTS = ("acme", "umbrella", "newsroom")

moments = st.integers(0, 59).map(lambda second: f"2026-11-25T14:00:{second:02}.000Z")


@st.composite
def job_changes(draw: st.DrawFn, tenant: str = "acme") -> JobChange:
    job = draw(st.integers(0, 4))
    return JobChange(
        f"{tenant}.job{job}", draw(st.sampled_from(("a", "b"))), draw(st.sampled_from(STATES)), draw(moments)
    )


def of_job(job: JobChange) -> Changes:
    return Changes(jobs={job.id: job}, arrivals={job.task: {job.state: 1}}, runs=frozenset({f"{job.id}-run"}))


def in_one(parts: list[Changes]) -> Changes:
    whole = Changes()
    for part in parts:
        whole = whole.followed_by(part)
    return whole


def record(
    job_id: str, state: str, before: str | None = None, at_ms: int = 1, task: str = "obey", **more: Any
) -> dict[str, Any]:
    """A change of the stream."""

    def image(its: str) -> dict[str, Any]:
        return dict(
            encode_item({"id": job_id, "part": "state", "task": task, "state": its, "changed_at": at_ms, **more})
        )

    old = {"OldImage": image(before)} if before else {}
    return {"eventID": f"{job_id}-{at_ms}", "dynamodb": {"NewImage": image(state), **old}}


def test_a_stream_s_records_become_changes_by_tenant() -> None:
    records = [
        record("acme.x", "waiting", at_ms=1_000),
        record("acme.x", "active", "waiting", at_ms=2_000),
        record("umbrella.y", "failed", "active", at_ms=3_000, step={"run_id": "umbrella.run"}),
    ]
    found = of_stream(records)
    assert found["acme"].jobs == {"acme.x": JobChange("acme.x", "obey", "active", "1970-01-01T00:00:02.000Z")}
    assert found["acme"].arrivals == {"obey": {"waiting": 1, "active": 1}}
    assert found["umbrella"].runs == {"umbrella.run"}


def test_a_note_of_progress_is_told_and_counted_as_no_arrival() -> None:
    told = of_stream([record("acme.x", "active", "active", progress=50)])["acme"]
    assert (set(told.jobs), told.arrivals) == ({"acme.x"}, {})


def test_what_is_no_job_and_what_goes_for_its_age_is_no_news() -> None:
    other = {"dynamodb": {"NewImage": encode_item({"id": "counters#task#obey", "part": "total"})}}
    gone = {"dynamodb": {"OldImage": record("acme.x", "completed")["dynamodb"]["NewImage"]}}
    assert of_stream([other, gone]) == {}


@given(st.lists(job_changes(), max_size=12), st.randoms(use_true_random=False))
def test_of_each_job_the_latest_is_told_in_whatever_order_changes_come(jobs: list[JobChange], random: Any) -> None:
    latest = {job.id: max(one.at for one in jobs if one.id == job.id) for job in jobs}
    shuffled = list(jobs)
    random.shuffle(shuffled)
    told = in_one([of_job(job) for job in shuffled])
    assert {job.id: job.at for job in told.jobs.values()} == latest
    assert sum(count for states in told.arrivals.values() for count in states.values()) == len(jobs)
    assert told.runs == {f"{job_id}-run" for job_id in latest}
    assert not told.is_partial


@given(st.lists(job_changes(), max_size=12))
def test_what_is_sent_through_the_queue_arrives_as_it_was(jobs: list[JobChange]) -> None:
    told = in_one([of_job(job) for job in jobs])
    assert Changes.from_plain(json.loads(json.dumps(told.to_plain()))) == told


@settings(max_examples=20)
@given(st.integers(0, 120), st.integers(0, 120), st.integers(0, 120))
def test_a_frame_is_bounded_and_says_when_it_leaves_something_out(jobs: int, tasks: int, alerts: int) -> None:
    told = in_one(
        [
            *(of_job(JobChange(f"{'t' * 32}.{number:024}", "t" * 40, "completed", AT)) for number in range(jobs)),
            *(Changes(arrivals={f"{number:040}": dict.fromkeys(STATES, 10**6)}) for number in range(tasks)),
            *(Changes(alerts=frozenset({f"{number:064}"})) for number in range(alerts)),
        ]
    )
    assert len(frame_of(told, AT)) <= LARGEST_FRAME_BYTES
    left_out = jobs > MOST_LISTED or tasks + (jobs > 0) > MOST_TASKS or alerts > MOST_LISTED
    assert told.is_partial == left_out


@given(st.dictionaries(st.sampled_from(TENANTS), st.lists(st.integers(0, 9), min_size=1, max_size=5)))
def test_no_tenant_hears_of_another_and_the_operators_hear_of_all(work: dict[str, list[int]]) -> None:
    by_tenant = of_stream(record(f"{tenant}.{job}", "waiting") for tenant, jobs in work.items() for job in jobs)
    told = for_audiences(by_tenant, [*TENANTS, "*"])
    for tenant in TENANTS:
        heard = set(told.get(tenant, Changes()).jobs)
        assert heard == {f"{tenant}.{job}" for job in work.get(tenant, ())}
    heard = set(told.get("*", Changes()).jobs)
    assert heard == {f"{tenant}.{job}" for tenant, jobs in work.items() for job in jobs}


def test_several_changes_become_one_frame() -> None:
    told = in_one([of_job(JobChange("acme.x", "a", "waiting", AT)), Changes(alerts=frozenset({"one"}))])
    assert json.loads(frame_of(told, AT)) == {
        "type": "changes",
        "at": AT,
        "jobs": [{"id": "acme.x", "task": "a", "state": "waiting", "changed_at": AT}],
        "arrivals": {"a": {"waiting": 1}},
        "runs": ["acme.x-run"],
        "alerts": ["one"],
    }
