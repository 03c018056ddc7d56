"""Live updates: the WebSocket API, the function behind it, and the queue of what is to be pushed."""

from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from constructs import Construct

from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.gateway_stage import GatewayStageProps, open_stage
from infra.layer import Layers
from infra.permissions import acknowledge, let_any
from infra.storage import Storage
from infra.task_queue import encrypted_queue

STAGE = "live"
"""Of the API: the path at which sockets open, on AWS below the web page's name too."""

_TIMEOUT_S = 20
_KEPT = Duration.minutes(1)  # SQS's shortest; what is older is worth nothing
_AT_ONCE = 2  # the fewest that an event source takes

_ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "event": "$context.eventType",
    "status": "$context.status",
    "caller": "$context.identity.sourceIp",
    "connection": "$context.connectionId",
    "error": "$context.integrationErrorMessage",
}
"""Without the URL's query, where the ticket is."""


@dataclass(frozen=True, slots=True)
class LiveProps:
    """What live updates are made of."""

    folder: FunctionsFolder
    layers: Layers
    storage: Storage
    gateway: str | None
    """Below which URL the embedded cloud's APIs are reached, by their ids; None on AWS, where each has a name."""


class Live(Construct):
    """Sockets, and who pushes. A ticket opens one, which the function checks: browsers can send no header there."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: LiveProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._api = apigateway.WebSocketApi(
            self,
            "Sockets",
            api_name=f"{around.stage.prefix}live",
            description="Tells who watches what changes",
        )
        self.host = f"{self._api.api_id}.execute-api.{Stack.of(self).region}.{Stack.of(self).url_suffix}"
        """Where the API answers on AWS."""
        base = f"{props.gateway}/{self._api.api_id}" if props.gateway else f"https://{self.host}"
        self.url = f"ws{base.removeprefix('http')}/{STAGE}"
        """Where sockets open."""
        function = self._function(around, props, f"{base}/{STAGE}")
        self._answer(function)
        open_stage(self, around, GatewayStageProps(self._api.api_id, STAGE, "live", _ACCESS_LOG))
        self._queue = self._feed(function, around)
        self._storage = props.storage
        self._grant(function.role)

    def let_tell(self, role: iam.Role) -> None:
        """See who watches, and hand in what is to be pushed to them."""
        self._storage.let_see_who_watches(role)
        self._queue.grant(role, "sqs:SendMessage")

    def _function(self, around: Surroundings, props: LiveProps, callback_url: str) -> Function:
        return Function(
            self,
            "Live",
            around,
            FunctionProps(
                name="live",
                description="Opens and closes sockets, and pushes what changed over them",
                handler="live.handler.handler",
                code=props.folder.code_of_function("live"),
                layers=[props.layers.common],
                timeout_s=_TIMEOUT_S,
                memory_mb=256,
                environment={"BACKSTAY_LIVE_CALLBACK_URL": callback_url},
            ),
        )

    def _answer(self, function: Function) -> None:
        integration = WebSocketLambdaIntegration("Function", function.lambda_function)
        for key in ("$connect", "$disconnect"):
            route = self._api.add_route(key, integration=integration)
            acknowledge(route, "APIG4", "a ticket opens a socket, once, within 30 s; the function takes it")

    def _feed(self, function: Function, around: Surroundings) -> sqs.Queue:
        queue = encrypted_queue(
            self, "Queue", "live", around.stage, around.encryption, visibility_s=_TIMEOUT_S, kept=_KEPT
        )
        acknowledge(queue, "SQS3", "what could not be pushed within a minute is of no use to anybody")
        function.lambda_function.add_event_source(
            sources.SqsEventSource(queue, batch_size=10, max_concurrency=_AT_ONCE, report_batch_item_failures=True)
        )
        return queue

    def _grant(self, role: iam.Role) -> None:
        self._storage.let_keep_connections(role)
        self._storage.let_check_keys(role)
        sockets = Stack.of(self).format_arn(
            service="execute-api", resource=self._api.api_id, resource_name=f"{STAGE}/POST/@connections/*"
        )
        let_any(role, ("execute-api:ManageConnections",), sockets, "one for every open socket")
