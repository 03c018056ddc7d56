"""The embedded cloud as a test sees it: its API, its queues, and what its receiver of webhooks got."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
import httpx
from standardwebhooks.webhooks import Webhook

from cli.local.environment import REGION
from cli.local.state import LocalCloud

T = TypeVar("T")

_PATIENCE_S = 60
_ENDS = ("completed", "failed", "cancelled")


class Embedded:
    """One running cloud. Everything goes through the doors that users have."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {cloud.api_key}"}, timeout=40, trust_env=False, follow_redirects=False
        )
        self._sqs = self._client("sqs")

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """Any answer of the API, whatever its status."""
        return self._http.request(method, self.cloud.api_url + path, json=body, params=query)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What a GET that must succeed answers."""
        return _good(self.request("GET", path, **query))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a POST that must succeed answers."""
        return _good(self.request("POST", path, dict(body or {})))

    def submit(self, task: str, work: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Submit a job that must be taken."""
        return self.post("/api/jobs", {"task": task, "input": work, **more})

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it stands."""
        return self.get(f"/api/jobs/{job_id}")

    def wait(self, job_id: str, state: str | None = None, seconds: float = _PATIENCE_S) -> dict[str, Any]:
        """A job once it is in this state, or over where none is named.

        Raises:
            TimeoutError: it did not get there.
        """

        def there() -> dict[str, Any] | None:
            job = self.job(job_id)
            if state is not None and job["state"] in _ENDS and job["state"] != state:
                raise AssertionError(f"job {job_id} ended {job['state']}, not {state}: {job}")
            return job if job["state"] in ((state,) if state else _ENDS) else None

        return self.until(there, seconds)

    def until(self, found: Callable[[], T | None], seconds: float = _PATIENCE_S) -> T:
        """The first truthy answer.

        Raises:
            TimeoutError: there was none in time.
        """
        patience_ends = time.monotonic() + seconds
        while time.monotonic() < patience_ends:
            if answer := found():
                return answer
            time.sleep(0.2)
        raise TimeoutError(f"nothing in {seconds} s")

    def send(self, queue: str, body: Any) -> None:
        """Send a plain message to a task's queue."""
        text = body if isinstance(body, str) else json.dumps(body)
        self._sqs.send_message(QueueUrl=self.cloud.outputs["QueueUrlPrefix"] + queue, MessageBody=text)

    def dead_messages(self, task: str, job_id: str) -> list[dict[str, Any]]:
        """Messages of a job in its task's dead letter queue, left as they lie."""
        answer = self._sqs.receive_message(
            QueueUrl=f"{self.cloud.outputs['QueueUrlPrefix']}{task}-dead",
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        )
        return [
            dict(message)
            for message in answer.get("Messages", [])
            if message.get("MessageAttributes", {}).get("job_id", {}).get("StringValue") == job_id
        ]

    def stats(self, task: str) -> dict[str, Any]:
        """One task's statistics."""
        statistics: dict[str, Any] = self.get("/api/stats")["tasks"]
        found: dict[str, Any] = statistics[task]
        return found

    def put(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Upload to a presigned URL."""
        httpx.put(url, content=body, headers=dict(headers), trust_env=False).raise_for_status()

    def inbox_url(self, name: str, **query: Any) -> str:
        """A webhook's URL at the receiver."""
        return str(httpx.URL(f"{self.cloud.inbox_url}/{name}", params=query))

    def received(self, name: str, job_id: str) -> dict[str, Any] | None:
        """The last delivery about a job that the receiver took, if any."""
        kept: list[dict[str, Any]] = httpx.get(f"{self.cloud.inbox_url}/{name}", trust_env=False).json()
        about = [entry for entry in kept if entry["status"] < 300 and job_id in entry["body"]]
        return about[-1] if about else None

    def verified(self, delivery: Mapping[str, Any]) -> dict[str, Any]:
        """A delivery's event, its signature verified with the API key's secret."""
        key_id = self.cloud.api_key.split("_")[1]
        secrets = self._client("secretsmanager")
        value = secrets.get_secret_value(SecretId=f"{self.cloud.outputs['SecretPrefix']}webhook/{key_id}")
        newest = json.loads(value["SecretString"])[0]["secret"]
        event: dict[str, Any] = Webhook(newest).verify(delivery["body"], delivery["headers"])
        return event

    def _client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.cloud.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def _good(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    document: dict[str, Any] = answer.json()
    return document
