"""A Lambda as every one of them is: its role, its logs, its layers, its environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from backstay.telemetry import LOG_LEVEL
from infra.alarms import Alarms
from infra.encryption import Encryption
from infra.function_alarms import watch_function, watch_worker
from infra.layer import ARCHITECTURE, RUNTIME
from infra.stage import Stage


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all functions of a stack share."""

    stage: Stage
    encryption: Encryption
    alarms: Alarms
    environment: Mapping[str, str]
    """What `backstay.settings.Environment` reads."""


@dataclass(frozen=True, slots=True)
class FunctionProps:
    """One function."""

    name: str
    """Kebab case, without stage."""
    description: str
    handler: str
    code: lambda_.Code
    layers: Sequence[lambda_.ILayerVersion]
    timeout_s: int
    memory_mb: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    """On top of what all functions share."""
    retries: int | None = None
    """How often Lambda itself repeats an asynchronous call that crashed; None where nothing calls it so."""
    task: str | None = None
    """The task whose jobs it runs; None for what is no worker."""


class Function(Construct):
    """A function that may write its own logs and nothing else; what more it may, is granted by who made it."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: FunctionProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        name = f"{around.stage.prefix}{props.name}"
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=around.stage.log_retention,
            encryption_key=around.encryption.key,
            removal_policy=around.stage.removal,
        )
        self.role = iam.Role(
            self,
            "Role",
            description=props.description,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        self.lambda_function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=props.description,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler=props.handler,
            code=props.code,
            layers=list(props.layers),
            timeout=Duration.seconds(props.timeout_s),
            memory_size=props.memory_mb,
            role=self.role,
            environment={
                **around.environment,
                "POWERTOOLS_SERVICE_NAME": props.name,
                "POWERTOOLS_METRICS_NAMESPACE": "Backstay",
                **props.environment,
            },
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,  # a report line for each call would cost more than ours
            # What is more than it says is dropped by the logger itself: above INFO Lambda would drop metrics too.
            application_log_level_v2=lambda_.ApplicationLogLevel.DEBUG
            if around.environment.get(LOG_LEVEL) == "DEBUG"
            else lambda_.ApplicationLogLevel.INFO,
            retry_attempts=props.retries,
        )
        log_group.grant_write(self.role)
        around.encryption.let_use(self.role, "dynamodb", "s3", "sqs")
        if props.task:
            watch_worker(around.alarms, props.task, props.timeout_s)
        else:
            watch_function(around.alarms, props.name)
