"""The embedded cloud's processes, really started; nothing is deployed."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from cli.local.cloud import down
from cli.local.processes import is_running
from cli.local.servers import Servers
from cli.local.state import StateDirectory

FUNCTION = """
import importlib.util, json, time

def handler(event, context):
    metrics = [{"Namespace": "Backstay", "Dimensions": [["task"]], "Metrics": [{"Name": "Done", "Unit": "Count"}]}]
    envelope = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": metrics}
    print(json.dumps({"_aws": envelope, "task": "t", "Done": 3}))
    return {name: importlib.util.find_spec(name) is not None for name in event}
"""
OWNER = """
import os, sys, time
from pathlib import Path
from cli.local.processes import Child, start_mark
from cli.local.servers import Servers
from cli.local.state import StateDirectory
state = StateDirectory(Path(sys.argv[1])); state.prepare()
Servers(state, Child("owner", os.getpid(), start_mark(os.getpid()))).start(lambda line: None, reaches_outside=False)
print("up", flush=True)
time.sleep(120)
"""


def wait_until(holds: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False


def start(path: Path) -> tuple[StateDirectory, Servers]:
    state = StateDirectory(path)
    state.prepare()
    servers = Servers(state, None)
    servers.start(lambda line: None, reaches_outside=False)
    return state, servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    state, started = start(tmp_path_factory.mktemp("cloud") / "state")
    yield started
    down(state)
    assert not any(is_running(child) for child in started.children)
    assert not state.path.exists()


def client(servers: Servers, service: str) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=servers.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="module")
def found_packages(servers: Servers) -> dict[str, bool]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("probe.py", FUNCTION)
    awslambda = client(servers, "lambda")
    awslambda.create_function(
        FunctionName="probe",
        Runtime="python3.14",
        Role="arn:aws:iam::000000000000:role/probe",
        Handler="probe.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=10,
    )
    names = ["boto3", "botocore", "pydantic", "aws_lambda_powertools", "backstay", "enhance_story", "openai", "cli"]
    answer = awslambda.invoke(FunctionName="probe", Payload=json.dumps(names))
    found: dict[str, bool] = json.loads(answer["Payload"].read())
    return found


def test_a_lambda_sees_what_aws_provides_and_nothing_else_of_this_repository(found_packages: dict[str, bool]) -> None:
    assert [name for name, is_there in found_packages.items() if is_there] == ["boto3", "botocore"]


def test_metrics_in_log_lines_become_metrics(servers: Servers, found_packages: dict[str, bool]) -> None:
    cloudwatch = client(servers, "cloudwatch")
    now = datetime.now(UTC)

    def total() -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="Backstay",
            MetricName="Done",
            Dimensions=[{"Name": "task", "Value": "t"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    assert wait_until(lambda: total() == 3, 15)
    time.sleep(5)
    assert total() == 3, "a line was carried twice"


def test_queue_depths_become_metrics(servers: Servers) -> None:
    queue = client(servers, "sqs").create_queue(QueueName="depth")["QueueUrl"]
    client(servers, "sqs").send_message(QueueUrl=queue, MessageBody="x")
    cloudwatch = client(servers, "cloudwatch")
    now = datetime.now(UTC)

    def deepest() -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": "depth"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=3600,
            Statistics=["Maximum"],
        )["Datapoints"]
        return max((point["Maximum"] for point in points), default=0)

    assert wait_until(lambda: deepest() == 1, 25)


def test_the_inbox_keeps_what_is_delivered_and_fails_when_told_to(servers: Servers) -> None:
    url = f"{servers.inbox_url}/hooks/one"
    statuses = [httpx.post(f"{url}?fail=1", content=b'{"n": 1}', headers={"webhook-id": "w"}).status_code for _ in "ab"]
    assert statuses == [503, 204]
    kept = httpx.get(url).json()
    assert [delivery["status"] for delivery in kept] == [503, 204]
    assert kept[1]["body"] == '{"n": 1}'
    assert kept[1]["headers"]["webhook-id"] == "w"
    assert httpx.get(f"{servers.inbox_url}/hooks/two").json() == []


def test_the_inbox_answers_the_next_deliveries_that_hold_a_text_as_it_is_told(servers: Servers) -> None:
    url = f"{servers.inbox_url}/campaigns/deliver"
    httpx.put(f"{url}?fail=2&status=410&holding=run-1")
    bodies = (b"run-2", b"of run-1", b"run-2", b"run-1", b"run-1")
    assert [httpx.post(url, content=body).status_code for body in bodies] == [204, 410, 204, 410, 204]


def test_everything_listens_on_loopback_only(servers: Servers) -> None:
    for url in (servers.endpoint_url, servers.llm_url, servers.inbox_url):
        assert url.startswith("http://127.0.0.1:")


def test_a_second_cloud_on_the_same_machine_is_another_cloud(servers: Servers, tmp_path: Path) -> None:
    state, second = start(tmp_path / "state")
    try:
        client(servers, "sqs").create_queue(QueueName="only-in-the-first")
        urls = client(second, "sqs").list_queues().get("QueueUrls", [])
        assert not any("only-in-the-first" in url for url in urls)
    finally:
        down(state)
    assert httpx.get(f"{servers.endpoint_url}/_ministack/health").is_success


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to look for what is left")
def test_when_its_owner_is_killed_the_whole_cloud_goes(tmp_path: Path) -> None:
    path = tmp_path / "state"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    assert owner.stdout.readline() == "up\n"
    children = StateDirectory(path).children()
    assert len(children) == 5
    assert all(is_running(child) for child in children)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert wait_until(lambda: not any(is_running(child) for child in children), 20)
    assert wait_until(lambda: not path.exists(), 5)
    assert os.getpid() not in {child.pid for child in children}
