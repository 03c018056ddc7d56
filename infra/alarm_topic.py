"""The topic that every alarm speaks to."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.encryption import Encryption
from infra.stage import Stage


class AlarmTopic(Construct):
    """Alarms stand in a stack of their own; they know the topic by its name."""

    def __init__(self, scope: Construct, id: str, stage: Stage, encryption: Encryption) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", topic_name=_name(stage), master_key=encryption.key, enforce_ssl=True)
        # A topic with a policy of its own loses the default one, by which alarms of the same account may publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )


def topic_of(scope: Construct, stage: Stage) -> sns.ITopic:
    """The stage's topic, as another stack sees it."""
    arn = Stack.of(scope).format_arn(service="sns", resource=_name(stage), arn_format=ArnFormat.NO_RESOURCE_NAME)
    return sns.Topic.from_topic_arn(scope, "Topic", arn)


def _name(stage: Stage) -> str:
    return f"{stage.prefix}alarms"
