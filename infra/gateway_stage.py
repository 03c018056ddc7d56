"""Where an API of API Gateway is open: its stage, which logs who came, and is throttled."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.function import Surroundings


@dataclass(frozen=True, slots=True)
class GatewayStageProps:
    """One stage."""

    api_id: str
    name: str
    """Of the stage; `$default` has no path."""
    api_name: str
    """What its log is named after, without the house's stage."""
    access_log: Mapping[str, str]
    """What a line of the log has, by name."""


def open_stage(scope: Construct, around: Surroundings, props: GatewayStageProps) -> None:
    """Open an API to callers."""
    log_group = logs.LogGroup(
        scope,
        "AccessLogs",
        log_group_name=f"/aws/vendedlogs/{around.stage.prefix}{props.api_name}-access",
        retention=around.stage.log_retention,
        encryption_key=around.encryption.key,
        removal_policy=around.stage.removal,
    )
    apigateway.CfnStage(
        scope,
        "Stage",
        api_id=props.api_id,
        stage_name=props.name,
        auto_deploy=True,
        access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(props.access_log)
        ),
        default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
            throttling_rate_limit=around.stage.requests_per_second,
            throttling_burst_limit=2 * around.stage.requests_per_second,
        ),
    )
