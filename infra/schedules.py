"""Where jobs wait that are due later than SQS can delay a message."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.permissions import let, let_any
from infra.stage import Stage


@dataclass(frozen=True, slots=True)
class SchedulesProps:
    """What schedules are made for."""

    stage: Stage


class Schedules(Construct):
    """A group of one-time schedules, and the role under which the scheduler sends to this stage's queues."""

    def __init__(self, scope: Construct, id: str, props: SchedulesProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        self.group = scheduler.ScheduleGroup(
            self, "Group", schedule_group_name=f"{props.stage.prefix}jobs", removal_policy=props.stage.removal
        )
        self._every_schedule = Stack.of(self).format_arn(
            service="scheduler",
            resource="schedule",
            resource_name=f"{props.stage.prefix}jobs/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        self.role = iam.Role(
            self,
            "Role",
            description="Sends the messages of jobs that have become due",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )

    def let_schedule(self, role: iam.Role) -> None:
        """Make one-time schedules in the group; each deletes itself."""
        reason = "one for every job that waits for its day, in this group only"
        let_any(role, ("scheduler:CreateSchedule",), self._every_schedule, reason)
        passed_to = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
        let(role, ("iam:PassRole",), self.role.role_arn, conditions=passed_to)

    def let_unschedule(self, role: iam.Role) -> None:
        """Take schedules of the group back."""
        reason = "one for every job that waits for its day, in this group only"
        let_any(role, ("scheduler:DeleteSchedule",), self._every_schedule, reason)
