"""What functions do to AWS: noted where the emulator checks it against their roles.

The emulator's check is off unless it is asked for; with it each function has credentials of its role, and what the
role doesn't allow is refused as AWS refuses it. Who deploys, and who looks in from outside, may do anything.
"""

import json
import os
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backstay.alerts.announcing import sources_of
from cli.local.environment import ACCOUNT

_FILE = "BACKSTAY_PERMISSIONS_FILE"


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """Something that a function did, or was refused."""

    function: str
    """With the stage in front."""
    action: str
    """As IAM calls it: `dynamodb:GetItem`."""
    resource: str
    """An ARN; an object's is its bucket's with `/*`."""
    is_allowed: bool


def checking_environment(file: Path) -> dict[str, str]:
    """What an emulator is told that shall check permissions, and note uses here."""
    return {"AUTH": "true", _FILE: str(file)}


def read_uses(file: Path) -> Iterator[Use]:
    """What was noted, each once."""
    for line in file.read_text(encoding="utf-8").splitlines():
        yield Use(**json.loads(line))


def note_uses() -> None:
    """Called in the emulator's process: from now on each use is noted, if the emulator was told to."""
    if _FILE not in os.environ:
        return
    from ministack.core import iam_evaluator  # type: ignore[import-untyped]
    from ministack.services import sts  # type: ignore[import-untyped]

    file, seen, check = Path(os.environ[_FILE]), set[Use](), iam_evaluator.enforce

    def enforce(
        access_key_id: str, iam_action: str, service: str, region: str, resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        function = _function_of(sts._sessions.get(access_key_id))  # noqa: SLF001 - it has no public way to ask
        if function is None:
            return None
        action = iam_action.removesuffix("Batch") if service == "sqs" else iam_action  # batches have none of their own
        context = _own(function, region) | (service_context or {})
        for resource in _resources(action, resource_arn, region):
            refusal = check(access_key_id, action, service, region, resource, context)
            if refusal is None:
                break
        use = Use(function, action, _without_object(resource), is_allowed=refusal is None)
        if use not in seen:
            seen.add(use)
            with file.open("a", encoding="utf-8") as notes:
                notes.write(json.dumps(asdict(use)) + "\n")
        return refusal

    iam_evaluator.enforce = enforce
    _as_if_under_tls(iam_evaluator)


def _own(function: str, region: str) -> dict[str, str]:
    """What grants make conditions of and the emulator looks at in no request: taken to be of the function's stage."""
    from cli.local.deployment import STAGE

    return {
        "events:source": sources_of(STAGE),
        "lambda:FunctionArn": f"arn:aws:lambda:{region}:{ACCOUNT}:function:{function}",
    }


def _resources(action: str, arn: str, region: str) -> list[str]:
    """Any of what AWS may check an action on, where the emulator knows of nothing: task tokens and mail name no ARN."""
    from ministack.services import ses_v2, stepfunctions

    known: list[str] = []
    if action in ("states:SendTaskFailure", "states:SendTaskSuccess"):
        known = list(stepfunctions._state_machines)  # noqa: SLF001 - nor to list them
    elif action == "ses:SendEmail":
        known = [f"arn:aws:ses:{region}:{ACCOUNT}:identity/{name}" for name in ses_v2._identities]  # noqa: SLF001
    return known or [arn]


def _as_if_under_tls(iam_evaluator: Any) -> None:
    """Queues and bucket refuse what comes without TLS, and on this machine nothing comes with it."""
    from ministack import app as gateway  # type: ignore[import-untyped]

    origin = ContextVar("origin", default=("127.0.0.1", True))
    iam_evaluator._request_origin = origin  # noqa: SLF001 - nor to say how a request came
    gateway.pin_request_origin = lambda source_ip, _: origin.set((source_ip, True))


def _without_object(arn: str) -> str:
    bucket, slash, _ = arn.partition("/")
    return f"{bucket}/*" if slash and arn.startswith("arn:aws:s3:") else arn


def _function_of(session: dict[str, Any] | None) -> str | None:
    """The function that has these credentials; None for people and for what deploys, who are none of our business."""
    name = session["Arn"].rpartition("/")[2] if session else ""
    return name if name and not name.startswith("aws-cdk-") else None
