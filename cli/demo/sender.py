"""Sends scenarios through the real entry points, and looks after what came of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from botocore.config import Config

from backstay.jobs import keys
from cli.api import Api, Refused
from cli.demo.outcome import Outcome
from cli.demo.scenarios import Scenario
from cli.local.environment import REGION
from cli.local.state import LocalCloud
from cli.problems import ExitCode
from cli.views import JobView

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Sender:
    """What stands outside of the cloud: a client of its API and of its queues."""

    def __init__(self, cloud: LocalCloud, api: Api) -> None:
        self._cloud, self._api = cloud, api
        self._sqs: SQSClient = boto3.client(
            "sqs",
            endpoint_url=cloud.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
            config=Config(proxies={}),
        )
        self._sent: dict[tuple[str, str], str] = {}
        """Task and scenario → the job's id, or the message's for one that is no job."""
        self._redriven: set[str] = set()

    def send(self, task: str, scenario: Scenario, work: Mapping[str, Any] | None) -> Outcome:
        """Send one scenario."""
        if scenario.is_scripted:
            script_model(self._cloud, scenario.model)
        options, work = self._addressed(scenario.options), None if work is None else self._addressed(work)
        if scenario.send == "sqs":
            return self._send_message(task, scenario, work, options)
        try:
            document = self._api.post("/api/jobs", {"task": task, "input": work, **options})
        except Refused as refused:
            return Outcome(task, scenario, status=refused.status, detail=refused.cause)
        self._sent[task, scenario.name] = document["id"]
        if scenario.then == "cancel":
            self._api.post(f"/api/jobs/{document['id']}/cancel")
        return Outcome(task, scenario)

    def look(self, outcome: Outcome) -> Outcome:
        """The same scenario as it stands now."""
        sent = self._sent.get((outcome.task, outcome.scenario.name))
        if outcome.is_over or sent is None:
            return outcome
        if outcome.scenario.expect.dead_letter:
            return replace(outcome, is_dead_letter=self._lies_dead(outcome.task, sent))
        try:
            job = JobView.of(self._api.get(f"/api/jobs/{sent}"))
            if outcome.scenario.then == "redrive" and not job.redrives:
                self._redrive(job)
                return outcome
            expects_webhook = job.is_over and outcome.scenario.expect.webhook
            return replace(outcome, job=job, has_webhook=expects_webhook and self._was_told(sent))
        except Refused as refused:
            if refused.code is ExitCode.NOT_FOUND:
                return outcome  # a plain message becomes a job only when a worker takes it
            raise

    def _addressed(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The same with the receiver's address in the place of `{inbox}`."""
        return {
            name: value.replace("{inbox}", self._cloud.inbox_url) if isinstance(value, str) else value
            for name, value in content.items()
        }

    def _redrive(self, job: JobView) -> None:
        """Put a job back once it has failed for good; asked for once, since redriving takes a moment."""
        if job.state == "failed" and job.id not in self._redriven:
            self._redriven.add(job.id)
            self._api.post("/api/dead-letters/redrive", {"ids": [job.id]})

    def _send_message(
        self, task: str, scenario: Scenario, work: Mapping[str, Any] | None, options: Mapping[str, Any]
    ) -> Outcome:
        body = scenario.body if scenario.body is not None else json.dumps({"task": task, "input": work, **options})
        message_id = self._sqs.send_message(QueueUrl=self._cloud.queues[task], MessageBody=body)["MessageId"]
        tenant = str(options.get("tenant", keys.DEFAULT_TENANT))
        job_id = keys.job_id(tenant, task, str(options.get("idempotency_key", message_id)))
        self._sent[task, scenario.name] = message_id if scenario.expect.dead_letter else job_id
        return Outcome(task, scenario)

    def _was_told(self, job_id: str) -> bool:
        deliveries = httpx.get(self._cloud.inbox_url, timeout=10, trust_env=False).raise_for_status().json()
        return any(
            job_id in delivery["body"] and "webhook-signature" in delivery["headers"] and delivery["status"] < 300
            for delivery in deliveries
        )

    def _lies_dead(self, task: str, message_id: str) -> bool:
        letters = self._api.get("/api/dead-letters", task=task)["dead_letters"]
        return any(letter.get("message_id") == message_id for letter in letters)


def script_model(cloud: LocalCloud, behaviors: Sequence[Mapping[str, Any]]) -> None:
    """Tell the model server how to misbehave, starting from a clean sheet; nothing is to behave well."""
    url = f"{cloud.llm_url}/_llmock"
    httpx.post(f"{url}/reset", timeout=10, trust_env=False).raise_for_status()
    if not behaviors:
        return
    script = {"behaviors": list(behaviors)}
    httpx.post(f"{url}/scenario", json=script, timeout=10, trust_env=False).raise_for_status()
