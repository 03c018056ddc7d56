"""EventBridge Scheduler: jobs that are due later than SQS can delay."""

import pytest

from tests.contract.clouds import (
    ACCEPTED,
    SCHEDULED_INPUT,
    Cloud,
    Scheduled,
    eventually,
    outcome,
    schedule,
    unique,
)
from tests.contract.deviations import SCHEDULE_NAMES, SCHEDULES_IN_THE_PAST, UNKNOWN_SCHEDULE_GROUPS

_SOURCE = "EventBridge Scheduler API reference, CreateSchedule"


def test_a_schedule_sends_its_input_once_when_due_and_deletes_itself(emulator: Cloud, scheduled: Scheduled):
    name, queue = scheduled.name, scheduled.queue
    scheduler = emulator.client("scheduler")
    (message,) = queue.receive(wait_s=15)
    gone = eventually(lambda: outcome(lambda: scheduler.get_schedule(Name=name)) != ACCEPTED)
    sent_late_s = int(message["Attributes"]["SentTimestamp"]) / 1000 - scheduled.due
    seen = message["Body"], -1 < sent_late_s < 60, gone, message["Attributes"].get("MessageGroupId")
    source = "EventBridge Scheduler user guide, Schedule types; SqsParameters"
    emulator.does(seen, aws=(SCHEDULED_INPUT, True, True, None), source=source)


def test_a_second_schedule_of_one_name_in_one_group_is_a_conflict(cloud: Cloud):
    queue, name, group = cloud.queue(), unique("job"), unique("group")
    cloud.client("scheduler").create_schedule_group(Name=group)
    seen = [
        outcome(lambda where=where: schedule(cloud, name, queue, group=where)) for where in (group, group, "default")
    ]
    cloud.does(seen, aws=[ACCEPTED, "ConflictException", ACCEPTED], source=_SOURCE)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acme-corp.abcdefghijklmnopqrstuvwx-12-3", ACCEPTED),
        ("a" * 64, ACCEPTED),
        ("a" * 65, "ValidationException"),
        ("acme~job", "ValidationException"),
        ("acme@job", "ValidationException"),
    ],
)
def test_a_schedules_name_has_64_letters_digits_hyphens_dots_and_underscores(cloud: Cloud, name: str, expected: str):
    queue = cloud.queue()
    group = unique("group")
    cloud.client("scheduler").create_schedule_group(Name=group)
    seen = outcome(lambda: schedule(cloud, name, queue, group=group))
    cloud.does(seen, aws=expected, source=_SOURCE + ": Name", but=SCHEDULE_NAMES.get(name, ()))


def test_a_schedule_in_the_past_is_refused(cloud: Cloud):
    queue = cloud.queue()
    seen = outcome(lambda: schedule(cloud, unique("job"), queue, in_s=-60))
    source = "no AWS document; reported in DefangLabs/pulumi-defang #425"
    cloud.does(seen, aws="ValidationException", source=source, but=SCHEDULES_IN_THE_PAST)


def test_a_schedule_for_a_group_that_there_is_not_is_refused(cloud: Cloud):
    queue = cloud.queue()
    seen = outcome(lambda: schedule(cloud, unique("job"), queue, group="no-such-group"))
    cloud.does(seen, aws="ResourceNotFoundException", source=_SOURCE, but=UNKNOWN_SCHEDULE_GROUPS)
