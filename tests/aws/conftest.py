"""What only a deployed stage can show. Opt-in: `make aws-check`, or `make aws-check STAGE=dev` with AWS credentials.

BACKSTAY_AWS_STAGE names the stage. It makes a key and two tenants of its own, and removes them at the end; with no
provider's secret in place, no model is called and nothing but AWS's own prices is paid.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import httpx
import pytest

from backstay.access.key_store import KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from cli.aws import acting_as
from cli.target import Session, Target

STAGE = "BACKSTAY_AWS_STAGE"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing here runs unless a stage is named."""
    if STAGE not in os.environ:
        for item in items:
            if "tests/aws/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=f"{STAGE} names no stage"))


@dataclass(frozen=True)
class Deployed:
    """A stage on AWS, its API under a key that may do everything, and AWS itself."""

    target: Target
    http: httpx.Client
    keys: KeyStore
    key_id: str
    noisy: str
    quiet: str
    """Tenants that exist for this run only."""

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Any request of the API."""
        return self.http.request(method, self.target.api_url + path, json=body)

    def aws(self, service: str) -> object:
        """A client of an AWS service, in the stage's region."""
        return boto3.client(service)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def stage() -> Iterator[Deployed]:
    """The stage under test."""
    named = os.environ[STAGE]
    target = Session(None if named == "embedded" else named, os.environ.get("AWS_PROFILE"), None, None).target
    mark = uuid.uuid4().hex[:8]
    with acting_as(target.aws):
        keys = KeyStore(target.outputs["KeysTable"], WebhookSecrets(target.outputs["SecretPrefix"]))
        issued = keys.create(f"aws-check {mark}", "*", ["submit", "read", "operate"])
        headers = {"Authorization": f"Bearer {issued.key}"}
        with httpx.Client(headers=headers, timeout=40, trust_env=not target.is_local) as http:
            deployed = Deployed(target, http, keys, issued.record.key_id, f"noisy-{mark}", f"quiet-{mark}")
            yield deployed
            for tenant in (deployed.noisy, deployed.quiet):
                deployed.call("DELETE", f"/api/tenants/{tenant}/data")
        keys.revoke(issued.record.key_id)
