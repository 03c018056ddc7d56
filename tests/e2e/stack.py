"""What e2e tests do to the cloud from outside: requests, messages, and a look at what came of them."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
import httpx
from standardwebhooks import Webhook

from backstay.access.webhook_secrets import read_secrets
from backstay.jobs import keys
from cli.local.state import LocalCloud

T = TypeVar("T")
Json = dict[str, Any]
TERMINAL = {"completed", "failed", "cancelled"}
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Stack:
    """One running cloud."""

    cloud: LocalCloud
    http: httpx.Client

    def client(self, service: str) -> Any:
        """A client of one of the emulator's AWS services."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.cloud.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def request(self, method: str, path: str, body: object = None, **query: str) -> httpx.Response:
        """Any request of the API, under the cloud's own key; refusals are answers too."""
        return self.http.request(method, self.cloud.api_url + path, json=body, params=query)

    def get(self, path: str, **query: str) -> Json:
        """What a GET answers that must succeed."""
        return _good(self.request("GET", path, **query))

    def post(self, path: str, body: object = None) -> Json:
        """What a POST answers that must succeed."""
        return _good(self.request("POST", path, body))

    def put(self, url: str, content: bytes, headers: Mapping[str, str]) -> None:
        """Upload to a presigned URL."""
        httpx.put(url, content=content, headers=dict(headers), trust_env=False).raise_for_status()

    def submit(self, task: str, work: object, **options: object) -> Json:
        """Submit a job."""
        return self.post("/api/jobs", {"task": task, "input": work, **options})

    def job(self, job_id: str) -> Json:
        """A job as it stands."""
        return self.get(f"/api/jobs/{job_id}")

    def wait(self, job_id: str, state: str | None = None, seconds: float = 60) -> Json:
        """The job once it is in this state, or over where none is named.

        Raises:
            AssertionError: it is over in another state.
            TimeoutError: it took too long.
        """

        def look() -> Json | None:
            job = self.job(job_id)
            if job["state"] == state or (state is None and job["state"] in TERMINAL):
                return job
            assert state is None or job["state"] not in TERMINAL, f"expected {state}, but: {json.dumps(job, indent=2)}"
            return None

        return self.until(look, seconds)

    def wait_for_key(self, task: str, key: str, tenant: str = keys.DEFAULT_TENANT) -> Json:
        """The job that a plain message with this key became, once it is over."""
        job_id = keys.job_id(tenant, task, key)
        self.until(lambda: self.request("GET", f"/api/jobs/{job_id}").is_success)
        return self.wait(job_id)

    def until(self, look: Callable[[], T | None], seconds: float = 30) -> T:
        """What `look` finds, once it finds anything.

        Raises:
            TimeoutError: it took too long.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(_LOOK_EVERY_S)
        raise TimeoutError(f"not within {seconds} s")

    def stats(self, task: str) -> Json:
        """The numbers of one task."""
        tasks: list[Json] = self.get("/api/stats")["tasks"]
        return next(numbers for numbers in tasks if numbers["task"] == task)

    def send(self, task: str, body: object) -> str:
        """Send a plain message to a task's queue; answers its id."""
        text = body if isinstance(body, str) else json.dumps(body)
        sent = self.client("sqs").send_message(QueueUrl=self.cloud.queues[task], MessageBody=text)
        message_id: str = sent["MessageId"]
        return message_id

    def dead_messages(self, task: str, job_id: str) -> list[Json]:
        """A job's messages in its task's dead letter queue, without receiving them."""
        everything = httpx.get(f"{self.cloud.endpoint_url}/_ministack/sqs/messages", trust_env=False).json()["messages"]
        return [
            message
            for regions in everything.values()
            for queues in regions.values()
            for url, messages in queues.items()
            if url.endswith(f"-{task}-dead")
            for message in messages
            if job_id in json.dumps(message)
        ]

    def inbox_url(self, name: str) -> str:
        """Where a webhook may be sent to be looked at."""
        return f"{self.cloud.inbox_url}/{name}"

    def received(self, name: str, job_id: str) -> Json | None:
        """The first webhook about a job that an inbox took, or None."""
        deliveries: list[Json] = httpx.get(self.inbox_url(name), trust_env=False).json()
        return next((found for found in deliveries if found["status"] == 204 and job_id in found["body"]), None)

    def verified(self, delivery: Json) -> Json:
        """A webhook's event, its signature checked as any receiver would."""
        key_id = self.cloud.api_key.split("_")[1]
        name = f"{self.cloud.outputs['SecretPrefix']}webhook/{key_id}"
        stored = self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        event: Json = Webhook(read_secrets(stored)[0].secret).verify(delivery["body"], delivery["headers"])
        return event


def _good(answer: httpx.Response) -> Json:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    document: Json = answer.json()
    return document
