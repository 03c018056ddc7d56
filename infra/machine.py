"""A state machine as every one of them is: its role, its log, and nothing that it may do yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.encryption import Encryption
from infra.permissions import acknowledge
from infra.stage import Stage


@dataclass(frozen=True, slots=True)
class MachineProps:
    """One state machine."""

    name: str
    """Kebab case, without stage."""
    description: str
    definition: Mapping[str, Any]
    """In Amazon States Language."""
    stage: Stage
    encryption: Encryption


class Machine(Construct):
    """A state machine that may write its log; what more it may, is granted by who made it. Its log holds no data."""

    def __init__(self, scope: Construct, id: str, props: MachineProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        name = f"{props.stage.prefix}{props.name}"
        self.role = iam.Role(
            self, "Role", description=props.description, assumed_by=iam.ServicePrincipal("states.amazonaws.com")
        )
        log_group = logs.LogGroup(
            self,
            "Logs",
            # States' own prefix: the resource policy of logs, which ends at 5,120 characters, names it once.
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=props.stage.log_retention,
            encryption_key=props.encryption.key,
            removal_policy=props.stage.removal,
        )
        self.state_machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(dict(props.definition))),
            role=self.role,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
            removal_policy=props.stage.removal,
        )
        acknowledge(self.role, "IAM5[Resource::*]", "deliveries of logs and segments of traces take no resource")
