"""The HTTP API: one route, which leads everything to the function that answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.gateway_stage import GatewayStageProps, open_stage
from infra.layer import Layers
from infra.permissions import acknowledge, let_any
from infra.provider_alarms import watch_answers
from infra.provider_trial import ProviderTrial
from infra.reach import Reach

_TIMEOUT_S = 29  # the gateway gives up at 30

_ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "duration_ms": "$context.responseLatency",
    "caller": "$context.identity.sourceIp",
    "error": "$context.integrationErrorMessage",
}


@dataclass(frozen=True, slots=True)
class ApiProps:
    """What the API is made of."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach
    trial: ProviderTrial
    """What it asks to try a provider."""
    live_url: str
    """Where sockets open, which it tells with a ticket."""
    origins: Sequence[str] = ()
    """Pages of other origins that browsers let call it."""


class Api(Construct):
    """The API and its function. Keys are checked in there: an authorizer would answer without problem details."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: ApiProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Api",
            around,
            FunctionProps(
                name="api",
                description="Answers the HTTP API",
                handler="api.handler.handler",
                code=props.folder.code_of_function("api"),
                layers=[props.layers.common],
                timeout_s=_TIMEOUT_S,
                environment={"BACKSTAY_LIVE_URL": props.live_url},
            ),
        )
        self._role = function.role
        self._grant(around, props.reach)
        props.trial.let_ask(function.role)
        api = apigateway.HttpApi(
            self,
            "Http",
            api_name=f"{around.stage.prefix}api",
            default_integration=HttpLambdaIntegration("Function", function.lambda_function),
            create_default_stage=False,
            cors_preflight=_cors(props.origins) if props.origins else None,
        )
        acknowledge(api, "APIG4", "keys are checked in the function, cached for 30 s; /health answers without one")
        self.url, self.id = api.api_endpoint, api.api_id
        open_stage(self, around, GatewayStageProps(api.api_id, "$default", "api", _ACCESS_LOG))
        watch_answers(around.alarms, api.api_id)

    def _grant(self, around: Surroundings, reach: Reach) -> None:
        role, storage = self._role, reach.storage
        storage.let_check_keys(role)
        storage.let_issue_tickets(role)
        storage.let_work_on_jobs(role)
        storage.let_search_jobs(role)
        storage.let_keep_stories(role)
        storage.let_keep_payloads(role)
        storage.let_chat(role)
        storage.let_work_on_alerts(role)
        reach.let_tell(role)
        storage.let_list_budgets(role)
        reach.let_look_at_providers(role)
        reach.let_send_to_every_task(role)
        reach.let_run_sagas(role)
        reach.let_announce(role)
        reach.let_trace(role)
        for queue in reach.queues.values():
            queue.let_count(role)
        self._let_pause(around.stage.prefix)

    def _let_pause(self, function_prefix: str) -> None:
        """Find the event sources of this stage's workers, and switch them on and off."""
        stack = Stack.of(self)
        mappings = stack.format_arn(
            service="lambda",
            resource="event-source-mapping",
            resource_name="*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        workers = stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{function_prefix}*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        let_any(
            self._role,
            ("lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"),
            mappings,
            "mappings are named by AWS; the condition holds it to this stage's workers",
            conditions={"ArnLike": {"lambda:FunctionArn": workers}},
        )
        let_any(
            self._role,
            ("lambda:ListEventSourceMappings",),
            "*",
            "takes no resource; it lists which queue feeds which function, and reads no job",
        )


def _cors(origins: Sequence[str]) -> apigateway.CorsPreflightOptions:
    """No cookies: whoever calls shows a key."""
    methods = apigateway.CorsHttpMethod
    return apigateway.CorsPreflightOptions(
        allow_origins=list(origins),
        allow_methods=[methods.GET, methods.POST, methods.PUT, methods.DELETE],
        allow_headers=["authorization", "content-type", "idempotency-key"],
        max_age=Duration.hours(1),
    )
