"""What roles are allowed, line by line, in words that hold for any deployment of the same constructs.

A grant is a function, an action and a resource. Workers are one function here: they run the same code, and what one was
seen to need, any may need. Queues are told apart as tasks' queues and their dead letter queues.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from cli.local.deployment import STAGE
from cli.local.permissions import Use
from tests.infra.template import Template, as_list, as_text

WORKER = "a worker"
LOG = "its log"
QUEUE, DEAD_LETTERS = "a task's queue", "a task's dead letter queue"
PREFIX = f"backstay-{STAGE}-"
_BY_CONFIG = {
    f":secret:backstay/{STAGE}/alerts/": "a channel's secret",
    f":secret:backstay/{STAGE}/provider/": "a provider's key",
    ":identity/": "a sender of mail",
}
_HERE = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "000000000000"}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One function may do this to that."""

    function: str
    action: str
    resource: str
    """A logical id, with what follows it; or an ARN, with `*` where it has one."""

    def __str__(self) -> str:
        return f"{self.function}: {self.action} on {self.resource}"


def grants_of(template: Template) -> frozenset[Grant]:
    """Everything that functions' roles are allowed, but for what Lambda itself does in their name."""
    return frozenset(grant for name in template.functions() for grant, _ in _grants(template, name))


def exercised(template: Template, uses: Iterable[Use], names: Mapping[str, str]) -> frozenset[Grant]:
    """The grants by which functions did what they did.

    Args:
        template: what was deployed.
        uses: what they did.
        names: logical ids by physical ones.

    Raises:
        LookupError: something was done that no grant allows.
    """
    return frozenset(grant for use in uses for grant in _behind(template, use, names))


def _behind(template: Template, use: Use, names: Mapping[str, str]) -> list[Grant]:
    place = _by_logical_id(use.resource, names)
    found = [
        grant
        for grant, pattern in _grants(template, use.function)
        if grant.action == use.action and any(fnmatchcase(name, pattern) for name in (place, use.resource))
    ]
    if not found:
        raise LookupError(f"no grant lets {use.function} do {use.action} to {use.resource} ({place})")
    return found


def _grants(template: Template, function: str) -> Iterator[tuple[Grant, str]]:
    """Each grant, with the pattern that its resource is in this deployment."""
    is_worker = "BACKSTAY_TASK" in template.functions()[function]["Environment"]["Variables"]
    who = WORKER if is_worker else function.removeprefix(PREFIX)
    kinds = dict.fromkeys(template.of_type("AWS::Logs::LogGroup"), LOG) | {
        logical_id: DEAD_LETTERS if properties["QueueName"].endswith("-dead") else QUEUE
        for logical_id, properties in template.of_type("AWS::SQS::Queue").items()
    }
    for statement in template.statements_of(function):
        for resource in map(as_text, as_list(statement["Resource"])):
            pattern = here(resource)
            for action in as_list(statement["Action"]):
                yield Grant(who, action, kinds.get(pattern) or _named(pattern)), pattern


def _named(pattern: str) -> str:
    """What backstay.toml names, which differs between deployments, by what it is."""
    return next((kind for part, kind in _BY_CONFIG.items() if part in pattern), pattern)


def here(text: str) -> str:
    """A text of a template with what the parameters of AWS are on this machine."""
    for parameter, value in _HERE.items():
        text = text.replace(parameter, value)
    return text


def _by_logical_id(arn: str, names: Mapping[str, str]) -> str:
    """An ARN with the logical id in place of all up to the physical name, as templates refer to resources."""
    for end in range(len(arn), 0, -1):
        if (end == len(arn) or arn[end] in "/:") and (logical_id := names.get(arn[:end])):
            return logical_id + arn[end:]
    return arn


def names_of(resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Logical ids by ARN, of what CloudFormation lists of a stack and what roles may be let do something to."""
    found = {}
    for resource in resources:
        physical, kind = resource.get("PhysicalResourceId", ""), resource["ResourceType"]
        if form := _ARNS.get(kind):
            found[form.format(physical.rpartition("/")[2] if kind == "AWS::SQS::Queue" else physical)] = resource[
                "LogicalResourceId"
            ]
        elif kind == "AWS::ApiGatewayV2::Api":  # whose ARN no reference gives: it stands within one
            found[_SOCKETS + physical] = _SOCKETS + resource["LogicalResourceId"]
        elif physical.startswith("arn:"):
            found[physical] = resource["LogicalResourceId"]
    return found


_REGION = "us-east-1:000000000000"
_SOCKETS = f"arn:aws:execute-api:{_REGION}:"
_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_REGION}:table/{{}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_REGION}:{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_REGION}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_REGION}:log-group:{{}}",
}
