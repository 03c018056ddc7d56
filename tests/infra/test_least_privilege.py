"""Roles against what functions do, both ways: what was done is allowed, and what is allowed was done or has a reason.

The embedded cloud of the e2e tests refuses what a role doesn't allow, as AWS does, and notes what was done; the grants
behind it are kept in `tests/least_privilege/exercised.json` (see tests/e2e/conftest.py).
"""

import re
from fnmatch import fnmatchcase

from policy_sentry.querying.actions import get_action_data
from policy_sentry.querying.all import get_all_actions

from tests.infra.template import Template, as_list, as_text
from tests.least_privilege.grants import Grant, grants_of, here
from tests.least_privilege.reasons import REASONS
from tests.least_privilege.record import read_exercised

_REGION = "us-east-1:000000000000"
_EXAMPLES = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_REGION}:table/x",
    "AWS::IAM::Role": "arn:aws:iam::000000000000:role/x",
    "AWS::KMS::Key": f"arn:aws:kms:{_REGION}:key/x",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_REGION}:function:x",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_REGION}:log-group:x:log-stream:x",
    "AWS::S3::Bucket": "arn:aws:s3:::x",
    "AWS::SNS::Topic": f"arn:aws:sns:{_REGION}:x",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_REGION}:x",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{_REGION}:stateMachine:x",
}
ON_OUR_KEY = {"kms:GenerateDataKey*", "kms:ReEncrypt*"}
"""CDK's own; see tests/infra/test_permissions.py."""
TAKE_MACHINES = {"states:SendTaskFailure", "states:SendTaskSuccess"}
"""IAM's reference says that they take no resource; AWS checks them on the machine's ARN (aws/aws-cdk#8486, and the text
of its refusals in NOAA-OWP/hydrovis#837)."""

CHANNELS = {"a channel's secret", "a sender of mail"}
"""The embedded cloud has channels of alerts; this repository's own backstay.toml names none."""


def reason_for(grant: Grant) -> str | None:
    """Why a grant is there that no call was seen to need."""
    return next((why for who, what, to, why in REASONS if matches(grant, who, what, to)), None)


def matches(grant: Grant, who: str, what: str, to: str) -> bool:
    return (
        fnmatchcase(grant.function, who)
        and any(fnmatchcase(grant.action, one) for one in what.split())
        and fnmatchcase(grant.resource, to)
    )


def idle_grants(template: Template) -> frozenset[Grant]:
    """Those that nobody was seen to need: such an action on such a resource, by whichever function.

    Functions share code and are given what it needs as a whole (`Storage.let_…`), so what one did counts for all.
    """
    seen = {(grant.action, grant.resource) for grant in read_exercised()}
    return frozenset(grant for grant in grants_of(template) if (grant.action, grant.resource) not in seen)


def test_no_role_allows_what_no_call_and_no_reason_needs(dev: Template) -> None:
    assert sorted(str(grant) for grant in idle_grants(dev) if not reason_for(grant)) == []


def test_everything_that_was_done_is_allowed_still(dev: Template) -> None:
    gone = read_exercised() - grants_of(dev)
    assert sorted(str(grant) for grant in gone if grant.resource not in CHANNELS) == []


def test_every_reason_is_needed(dev: Template) -> None:
    used = {why for grant in idle_grants(dev) if (why := reason_for(grant))}
    assert {why for *_, why in REASONS} == used


def test_every_action_is_one_that_iam_knows_and_takes_such_a_resource(derived: Template) -> None:
    known = {action.lower() for action in get_all_actions()}
    kinds = {logical_id: resource["Type"] for logical_id, resource in derived.body["Resources"].items()}
    for policy, statement in derived.all_statements():
        actions = set(as_list(statement["Action"])) - ON_OUR_KEY
        assert {action for action in actions if action.lower() not in known} == set(), policy
        for resource in map(as_text, as_list(statement["Resource"])):
            example = example_of(here(resource), kinds)
            wrong = {action for action in actions - TAKE_MACHINES if not takes(action, example)}
            assert not wrong, (policy, example)


def takes(action: str, example: str) -> bool:
    """Whether an action may be allowed on such a resource. A `*` in it stands for a name, or for two."""
    spelled = {example.replace("*", "x"), example.replace("*", "x:x")}
    return any(
        example == "*" if pattern == "*" else any(re.fullmatch(pattern, one) for one in spelled)
        for pattern in formats_of(action)
    )


def formats_of(action: str) -> list[str]:
    """What an action may be allowed on: patterns of ARNs, or `*` where it takes none."""
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    formats = {entry["resource_arn_format"] for entry in data[service]} if data else set()
    return ["*" if one == "*" else re.sub(r"\\\$\\{\w+\\}", ".*", re.escape(one)) for one in formats]


def example_of(resource: str, kinds: dict[str, str]) -> str:
    """A resource of a template as an ARN that might be its own."""
    name = re.match(r"\w*", resource)
    logical_id = name.group() if name else ""
    if logical_id not in kinds:
        return resource
    rest = resource.removeprefix(logical_id)
    return _EXAMPLES[kinds[logical_id]] + rest.replace(".StreamArn", "/stream/x")
