"""The state machine that escalates alerts, and who may begin it."""

import sys
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import Construct

from backstay.alert_settings import AlertSettings
from backstay.alerts.telling import ALERT_TASK, ESCALATION
from infra.encryption import Encryption
from infra.escalation_machine import escalation_machine
from infra.machine import Machine, MachineProps
from infra.permissions import let
from infra.stage import Stage
from infra.storage import Storage
from infra.task_queue import TaskQueue


@dataclass(frozen=True, slots=True)
class EscalationProps:
    """What alerts are escalated with."""

    settings: AlertSettings
    stage: Stage
    encryption: Encryption
    storage: Storage
    queue: TaskQueue
    """Of the task that tells channels."""


class Escalation(Construct):
    """The machine. It reads alerts and sends to one queue, and may do nothing else."""

    def __init__(self, scope: Construct, id: str, props: EscalationProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        self._queue = props.queue
        url = props.queue.queues[ALERT_TASK].queue_url
        definition = escalation_machine(props.settings, props.storage.alerts.table_name, url)
        made_of = MachineProps(ESCALATION, "Escalates alerts", definition, props.stage, props.encryption)
        machine = Machine(self, "Alerts", made_of)
        props.storage.let_look_at_alerts(machine.role)
        props.queue.let_send(machine.role)
        props.encryption.let_use(machine.role, "dynamodb", "sqs")
        self.arn = machine.state_machine.state_machine_arn
        _mention_gaps(props.settings)

    def let_tell(self, role: iam.Role) -> None:
        """See to it that people are told of alerts."""
        let(role, ("states:StartExecution",), self.arn)
        self._queue.let_send(role)


def _mention_gaps(settings: AlertSettings) -> None:
    """Tell whoever synthesises which channels of policies nobody configured."""
    if not settings.channels:
        sys.stderr.write("no [alerts.channels]: alerts are recorded, and nobody is told of them\n")
        return
    for policy, channel in settings.nowhere():
        sys.stderr.write(f"alerts: policy {policy} passes over {channel!r}: there is no such channel\n")
