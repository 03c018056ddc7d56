"""The stage's key: under it lies everything that a caller has sent."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.permissions import let
from infra.stage import Stage

_USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")


class Encryption(Construct):
    """One customer key for tables, queues, bucket, alarms and logs."""

    def __init__(self, scope: Construct, id: str, stage: Stage) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            alias=f"alias/backstay-{stage.name}",
            description=f"What callers of Backstay ({stage.name}) have sent",
            enable_key_rotation=True,
            pending_window=Duration.days(30 if stage.is_protected else 7),
            removal_policy=stage.removal,
        )
        self._let_logs_encrypt()
        self._let_publish("AlarmsOfThisAccount", "cloudwatch.amazonaws.com")
        self._let_publish("RulesOfThisAccount", "events.amazonaws.com")

    def let_use(self, role: iam.Role, *services: str) -> None:
        """Let a role read and write what lies under the key, through these services and in no other way."""
        stack = Stack.of(self)
        through = [f"{service}.{stack.region}.{stack.url_suffix}" for service in services]
        let(role, _USE, self.key.key_arn, conditions={"StringEquals": {"kms:ViaService": through}})

    def _let_logs_encrypt(self) -> None:
        stack = Stack.of(self)
        every_group = stack.format_arn(
            service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogsOfThisAccount",
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.{stack.url_suffix}")],
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                resources=["*"],  # in a key's own policy: this key
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": every_group}},
            )
        )

    def _let_publish(self, sid: str, service: str) -> None:
        """Let a service send to topics under the key."""
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal(service)],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's own policy: this key
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
