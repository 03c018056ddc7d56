"""What is known of permissions at the end of a session of e2e tests."""

from typing import Any

import boto3

from cli.local.deployment import STAGE
from cli.local.permissions import read_uses
from cli.local.state import StateDirectory
from tests.infra.template import Template
from tests.least_privilege.grants import Grant, exercised, names_of
from tests.least_privilege.record import read_exercised, write_exercised

_STACK = f"Backstay-{STAGE}"


def refused(state: StateDirectory) -> list[str]:
    """What a function tried to do that its role doesn't allow."""
    return [
        f"{use.function}: {use.action} on {use.resource}" for use in read_uses(state.permissions) if not use.is_allowed
    ]


def record(state: StateDirectory) -> None:
    """Put the grants that were seen at work on record beside what is there; `tests/infra` says what is left over."""
    write_exercised(seen(state) | read_exercised())


def seen(state: StateDirectory) -> frozenset[Grant]:
    """The grants that were seen at work; those of the tests' own tasks among them."""
    cloud = state.require_cloud()
    client: Any = boto3.client(
        "cloudformation",
        endpoint_url=cloud.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    pages = client.get_paginator("list_stack_resources").paginate(StackName=_STACK)
    names = names_of(entry for page in pages for entry in page["StackResourceSummaries"])
    template = Template.read(state.path / "cdk.out" / f"{_STACK}.template.json")
    return exercised(template, (use for use in read_uses(state.permissions) if use.is_allowed), names)
