"""IAM's own judgement about each function's role: what it must be able to do, and what it must not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cli.aws_check.finding import Finding, verdict_of
from cli.aws_check.ground import Ground

NAME = "permissions"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one function may or may not do to one resource."""

    function: str
    allowed: bool
    actions: tuple[str, ...]
    resource: str
    """An ARN without region and account, with names in braces; `{prefix}` is the stage's."""


def _may(function: str, resource: str, *actions: str) -> Expectation:
    return Expectation(function, True, actions, resource)


def _may_not(function: str, resource: str, *actions: str) -> Expectation:
    return Expectation(function, False, actions, resource)


_JOBS, _KEYS = "dynamodb:table/{JobsTable}", "dynamodb:table/{KeysTable}"
_ALERTS = "dynamodb:table/{AlertsTable}"
_PROVIDER_KEY = "secretsmanager:secret:{SecretPrefix}provider/anthropic-abcdef"
_SIGNING = "secretsmanager:secret:{SecretPrefix}webhook/any-abcdef"
_READ = "secretsmanager:GetSecretValue"
_BROAD = ("dynamodb:Scan", "dynamodb:DeleteTable")

EXPECTATIONS = (
    _may("api", _JOBS, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    _may("api", f"{_JOBS}/index/by_state", "dynamodb:Query"),
    _may("api", _KEYS, "dynamodb:GetItem"),
    _may("api", "sqs:{prefix}enhance-story-high", "sqs:SendMessage", "sqs:GetQueueAttributes"),
    _may_not("api", _JOBS, *_BROAD),
    _may_not("api", _KEYS, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
    _may_not("api", "sqs:{prefix}enhance-story-high", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"),
    _may("api", _PROVIDER_KEY, "secretsmanager:DescribeSecret"),
    _may_not("api", _PROVIDER_KEY, _READ),
    _may_not("api", _SIGNING, _READ),
    _may("api", "lambda:function:{prefix}try-provider", "lambda:InvokeFunction"),
    _may_not("api", "lambda:function:{prefix}enhance-story", "lambda:InvokeFunction"),
    _may("try-provider", _PROVIDER_KEY, _READ),
    _may_not("try-provider", _SIGNING, _READ),
    _may_not("try-provider", _JOBS, "dynamodb:GetItem"),
    _may("enhance-story", _JOBS, "dynamodb:GetItem", "dynamodb:UpdateItem"),
    _may("enhance-story", "sqs:{prefix}enhance-story-normal", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"),
    _may("enhance-story", "sqs:{prefix}enhance-story-dead", "sqs:SendMessage"),
    _may("enhance-story", _PROVIDER_KEY, _READ),
    _may_not("enhance-story", _JOBS, *_BROAD),
    _may_not("enhance-story", _KEYS, "dynamodb:GetItem"),
    _may_not("enhance-story", "sqs:{prefix}delete-tenant-data", "sqs:SendMessage", "sqs:ReceiveMessage"),
    _may_not("enhance-story", "sqs:{prefix}enhance-story-dead", "sqs:ReceiveMessage"),
    _may_not("enhance-story", _SIGNING, _READ),
    _may("deliver-webhook", _SIGNING, _READ),
    _may_not(
        "deliver-webhook", _PROVIDER_KEY, _READ
    ),
    _may("deliver-alert", _ALERTS, "dynamodb:GetItem", "dynamodb:UpdateItem"),
    _may_not("deliver-alert", _ALERTS, "dynamodb:PutItem", "dynamodb:DeleteItem", *_BROAD),
    _may_not("deliver-alert", _PROVIDER_KEY, _READ),
    _may_not("deliver-alert", _SIGNING, _READ),
    _may("route-alerts", "states:stateMachine:{prefix}escalate-alert", "states:StartExecution"),
    _may("route-alerts", "sqs:{prefix}deliver-alert", "sqs:SendMessage"),
    _may_not("route-alerts", "sqs:{prefix}enhance-story-normal", "sqs:SendMessage", "sqs:ReceiveMessage"),
    _may_not("route-alerts", _JOBS, "dynamodb:GetItem", "dynamodb:UpdateItem"),
    _may("sweep", "sqs:{prefix}enhance-story-dead", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:SendMessage"),
    _may_not("sweep", _KEYS, "dynamodb:GetItem"),
    _may("follow-changes", _JOBS, "dynamodb:UpdateItem"),
    _may_not("follow-changes", "sqs:{prefix}enhance-story-normal", "sqs:SendMessage", "sqs:ReceiveMessage"),
)  # fmt: skip


def findings(ground: Ground) -> Iterator[Finding]:
    """Ask IAM's simulator about each function's role."""
    iam, awslambda = ground.client("iam"), ground.client("lambda")
    for function in sorted({expectation.function for expectation in EXPECTATIONS}):
        about = awslambda.get_function_configuration(FunctionName=ground.function_prefix + function)
        here = ":".join(about["FunctionArn"].split(":")[3:5])
        expected = [expectation for expectation in EXPECTATIONS if expectation.function == function]
        wrong = [line for one in expected for line in _wrong(iam, about["Role"], one, _arn(ground, here, one.resource))]
        says = f"{function} may do what it must and nothing of what it must not"
        checked = sum(len(expectation.actions) for expectation in expected)
        yield Finding(NAME, says, verdict_of(not wrong), "; ".join(wrong) or f"{checked} actions simulated")


def _wrong(iam: Any, role: str, expectation: Expectation, resource: str) -> Sequence[str]:
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=list(expectation.actions), ResourceArns=[resource]
    )
    return [
        f"{result['EvalActionName']} on {resource} is {result['EvalDecision']}"
        for result in answer["EvaluationResults"]
        if (result["EvalDecision"] == "allowed") is not expectation.allowed
    ]


def _arn(ground: Ground, here: str, resource: str) -> str:
    service, _, rest = resource.format(prefix=ground.function_prefix, **ground.target.outputs).partition(":")
    return f"arn:aws:{service}:{here}:{rest}"
