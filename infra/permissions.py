"""Granting what CDK's own `grant_*` methods would grant too widely, and answering for what stays wide.

CDK's grants for tables, buckets and encrypted queues come with wildcards (`s3:GetObject*`, `kms:ReEncrypt*`, every
index). Here actions are named one by one, and a resource with a wildcard needs a reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct

Conditions = Mapping[str, Mapping[str, Any]]


def let(role: iam.Role, actions: Sequence[str], *resources: str, conditions: Conditions | None = None) -> None:
    """Let a role do these things to these resources."""
    iam.Grant.add_to_principal(
        grantee=role, actions=list(actions), resource_arns=list(resources), conditions=conditions
    )


def let_any(
    role: iam.Role, actions: Sequence[str], resource: str, reason: str, conditions: Conditions | None = None
) -> None:
    """Let a role do these things to every resource that a pattern matches.

    Args:
        role: who.
        actions: what.
        resource: an ARN with a `*` in it, or just `*`.
        reason: why the resources can't be named one by one.
        conditions: what narrows the pattern down.
    """
    let(role, actions, resource, conditions=conditions)
    acknowledge(role, f"IAM5[Resource::{_as_nag_writes(Stack.of(role).resolve(resource))}]", reason)


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding of cdk-nag on one construct; called beside what causes it.

    Args:
        construct: what was found wanting.
        finding: the rule, such as `IAM5[Resource::*]`; the part in brackets names one finding of the rule.
        reason: why it is right as it is.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason))


def _as_nag_writes(value: Any) -> str:
    """Findings name resources with references in angle brackets."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str() as separator, parts]}:
            return separator.join(_as_nag_writes(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
    raise TypeError(f"{value!r} can't be written as part of an ARN")
