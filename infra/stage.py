"""What differs between the stages."""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

from backstay.errors import BackstayError


class UnknownStageError(BackstayError):
    """There is no stage of this name."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's settings. Everything that differs between stages stands here, and nowhere else."""

    name: str
    removal: RemovalPolicy
    """What becomes of tables, bucket, key and logs when the stack is deleted."""
    log_retention: logs.RetentionDays
    is_protected: bool
    """Whether tables can be restored to any second of the last 35 days, and neither they nor the stack be deleted
    unless somebody lifts the protection first."""
    requests_per_second: int
    """What the HTTP API takes, over all callers; twice that in a burst."""

    @property
    def prefix(self) -> str:
        """What physical names start with, such as `backstay-dev-`."""
        return f"backstay-{self.name}-"

    @property
    def secret_prefix(self) -> str:
        """What the names of this stage's secrets start with, such as `backstay/dev/`."""
        return f"backstay/{self.name}/"

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack's name."""
        return f"Backstay-{self.name}"

    @property
    def watch_stack_name(self) -> str:
        """The name of the stack that watches over it."""
        return f"{self.stack_name}-watch"


_STAGES = {
    stage.name: stage
    for stage in (
        Stage("dev", RemovalPolicy.DESTROY, logs.RetentionDays.ONE_WEEK, is_protected=False, requests_per_second=100),
        Stage(
            "prod", RemovalPolicy.RETAIN, logs.RetentionDays.THREE_MONTHS, is_protected=True, requests_per_second=1000
        ),
    )
}


def stage_named(name: str) -> Stage:
    """The stage of this name.

    Raises:
        UnknownStageError: there is none; the error lists the known ones.
    """
    if name not in _STAGES:
        raise UnknownStageError(f"there is no stage {name!r}; choose with -c stage=… one of {', '.join(_STAGES)}")
    return _STAGES[name]
