"""The API put together: its routes, the gate in front of them, and what becomes of errors."""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
    OpenAPIResponseValidationMiddleware,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from backstay.telemetry import JOB_KEY, name_subject

from . import (
    alert_routes,
    bot_routes,
    breaker_routes,
    budget_routes,
    chat_routes,
    cost_routes,
    credit_routes,
    dead_letter_routes,
    document_routes,
    health_routes,
    history_routes,
    integration_routes,
    job_routes,
    live_routes,
    metrics_routes,
    mute_routes,
    overview_routes,
    provider_routes,
    run_routes,
    saga_routes,
    settings_routes,
    stats_routes,
    story_routes,
    task_routes,
    tenant_routes,
    upload_routes,
    usage_routes,
)
from .bodies import read_json
from .error_answers import ErrorAnswers
from .gate import gate

ROUTERS = (
    job_routes.router,
    upload_routes.router,
    story_routes.router,
    chat_routes.router,
    bot_routes.router,
    saga_routes.router,
    run_routes.router,
    stats_routes.router,
    task_routes.router,
    dead_letter_routes.router,
    provider_routes.router,
    breaker_routes.router,
    budget_routes.router,
    usage_routes.router,
    credit_routes.router,
    cost_routes.router,
    alert_routes.router,
    mute_routes.router,
    tenant_routes.router,
    overview_routes.router,
    metrics_routes.router,
    history_routes.router,
    integration_routes.router,
    settings_routes.router,
    live_routes.router,
    health_routes.router,
    document_routes.router,
)

NO_ROUTE = "none"
"""Stands for the route of a request that has none."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Api:
    """The resolver with all routes. Making one touches no AWS."""

    def __init__(self) -> None:
        # Validation stands among the middlewares, not in the resolver's switch, so that the gate comes before it: who
        # may not do something is told so before being told what is wrong with the request.
        self.resolver = APIGatewayHttpResolver(json_body_deserializer=read_json)
        self.resolver.use(
            middlewares=[
                self._note_route(),
                gate,
                OpenAPIRequestValidationMiddleware(),  # type: ignore[no-untyped-call]
                OpenAPIResponseValidationMiddleware(has_response_validation_error=True),
            ]
        )
        for router in ROUTERS:
            self.resolver.include_router(router)
        ErrorAnswers(self.resolver).register()
        self.route = NO_ROUTE
        """Method and template of the last request's route; a Lambda answers one request at a time."""

    def answer(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one request."""
        self.route = NO_ROUTE
        answer = self.resolver.resolve(event, context)
        return {**answer, "headers": {**_HEADERS, **answer["headers"]}}

    def _note_route(self) -> Callable[..., Response[Any]]:
        def note_route(app: APIGatewayHttpResolver, next_middleware: Callable[..., Response[Any]]) -> Response[Any]:
            route = app.context["_route"]
            if route.security is not None:  # what Powertools calls for an unknown path is a route too, of any name
                self.route = f"{route.method} {route.openapi_path}"
            if job_id := app.context["_route_args"].get(JOB_KEY):
                name_subject(job_id=job_id)
            return next_middleware(app)

        return note_route
