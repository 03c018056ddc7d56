"""Statistics from counters, indexes and queues."""

from typing import Any

import pytest

from backstay.dynamodb import encode_item
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import deltas
from backstay.jobs.items import to_item
from backstay.jobs.record import JobRecord
from backstay.jobs.stats import StatsReader, TaskStats


class Stream:
    """Feeds the counters with what happens to the records that it is shown, as the table's stream would."""

    def __init__(self, machine: Any) -> None:
        self._counters, self._last, self._number = CounterStore(machine.env.jobs_table), dict[str, JobRecord](), 0

    def show(self, *records: JobRecord) -> None:
        events = []
        for record in records:
            self._number += 1
            images = {"NewImage": encode_item(to_item(record))}
            if old := self._last.get(record.id):
                images["OldImage"] = encode_item(to_item(old))
            events.append({"eventID": str(self._number), "dynamodb": images})
            self._last[record.id] = record
        self._counters.add(deltas(events), [event["eventID"] for event in events])


@pytest.fixture
def stream(machine):
    return Stream(machine)


def of_task(machine, task: str = "obey") -> TaskStats:
    (found,) = (
        one for one in StatsReader(machine.env, machine.catalog, machine.clock).read().tasks if one.task == task
    )
    return found


def test_every_number_of_a_task_is_there(machine, stream):
    good = [machine.submit("obey", {"text": str(n)}, tenant="acme") for n in range(3)]
    bad = machine.submit("obey", {"reject": True}, tenant="umbrella")
    stream.show(*good, bad)
    machine.deliver("obey")
    stream.show(*(machine.record(job.id) for job in [*good, bad]))
    stream.show(machine.submit("obey", {"text": "still here"}, tenant="acme"))
    machine.clock.advance(60)
    counts = of_task(machine).counts
    assert (counts.waiting, counts.active, counts.completed, counts.failed, counts.dead_letters) == (1, 0, 3, 1, 1)
    assert 59 <= counts.oldest_waiting_s <= 70
    assert counts.throughput_per_minute == 3 / 5
    assert counts.success_rate == 0.75


def test_a_task_that_nobody_has_used_has_zeros(machine):
    stats = of_task(machine, "obey-in-order")
    assert (stats.counts.waiting, stats.counts.dead_letters, stats.counts.oldest_waiting_s) == (0, 0, None)
    assert (stats.counts.success_rate, stats.paused) == (None, False)


def test_the_total_is_over_all_tasks(machine, stream):
    stream.show(machine.submit("obey", {}), machine.submit("obey-in-order", {"session": "s", "text": "t"}))
    assert StatsReader(machine.env, machine.catalog, machine.clock).read().total.waiting == 2


def test_a_tenant_sees_its_own_numbers_only(machine, stream):
    stream.show(*(machine.submit("obey", {"text": str(n)}, tenant="acme") for n in range(2)))
    stream.show(machine.submit("obey", {}, tenant="umbrella"))
    reader = StatsReader(machine.env, machine.catalog, machine.clock)
    assert reader.read_tenant("acme").total.waiting == 2
    assert reader.read_tenant("umbrella").total.waiting == 1
    assert reader.read_tenant("nobody").total.waiting == 0
    assert reader.read_tenant("acme").total.dead_letters is None


def test_a_paused_task_says_so(machine):
    CounterStore(machine.env.jobs_table).note_paused("obey", paused=True)
    assert of_task(machine).paused is True
    CounterStore(machine.env.jobs_table).note_paused("obey", paused=False)
    assert of_task(machine).paused is False
