"""What watches over a stage: alarms and dashboards, in a stack of its own: tasks have the other's 500 resources."""

from collections.abc import Mapping

from aws_cdk import Aws, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from backstay.alerts.rules import Rule
from infra.alarms import Alarms
from infra.dashboard import Watched, dashboards
from infra.stage import Stage
from infra.widgets import body_of


class WatchStack(Stack):
    """Deployed after the stage's own stack, whose queues and functions it knows by their names."""

    def __init__(self, scope: Construct, stage: Stage, rules: Mapping[str, Rule]) -> None:
        super().__init__(
            scope,
            stage.watch_stack_name,
            description=f"Backstay ({stage.name}): what watches over it",
            termination_protection=stage.is_protected,
            tags={"application": "backstay", "stage": stage.name},
        )
        self.alarms = Alarms(self, "Alarms", stage, rules)

    def show(self, watched: Watched) -> None:
        """Make the dashboards."""
        for name, rows in dashboards(watched).items():
            body = self.to_json_string(body_of(rows, Aws.REGION))
            cloudwatch.CfnDashboard(
                self, f"Dashboard{name.capitalize()}", dashboard_name=f"{watched.prefix}{name}", dashboard_body=body
            )
