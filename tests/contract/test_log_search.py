"""What `backstay logs` and `backstay trace` rely on of CloudWatch Logs, by the command's own search."""

import json

from backstay.clock import epoch_ms, utc_now
from cli.local.environment import aws_environment
from cli.log_search import LogSearch
from cli.target import Target
from tests.contract.clouds import Cloud, unique

JOB_ID = "acme.mzxw6ytboi4dcmrtgi2dknrx"


def write(emulator: Cloud, group: str, *messages: str) -> None:
    logs, stream = emulator.client("logs"), unique("stream")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    at = epoch_ms(utc_now())
    events = [{"timestamp": at + number, "message": message} for number, message in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_lines_that_name_a_job_are_found_in_every_functions_group_of_the_stage_and_in_no_other(
    emulator: Cloud, tmp_path
) -> None:
    stage = unique("stage")
    prefix, about = f"/aws/lambda/backstay-{stage}-", json.dumps({"message": "task raised", "job_id": JOB_ID})
    write(emulator, prefix + "enhance-story", about, json.dumps({"message": "of another", "job_id": JOB_ID[:-1]}))
    write(emulator, prefix + "deliver-webhook", f"no JSON, about {JOB_ID}")
    write(emulator, f"/aws/lambda/backstay-other{stage}-api", about)
    target = Target("emulator", "", None, {"Stage": stage}, aws_environment(emulator.endpoint_url, tmp_path), True)

    began = epoch_ms(utc_now()) - 60_000
    found = LogSearch(target).lines(JOB_ID, began)
    assert sorted((line.function, line.message) for line in found) == [
        ("deliver-webhook", f"no JSON, about {JOB_ID}"),
        ("enhance-story", about),
    ]
    assert LogSearch(target).lines(JOB_ID, began, began + 1) == []
