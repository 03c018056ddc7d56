"""The routes that a resolver has."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import Route


def routes_of(app: APIGatewayHttpResolver) -> list[Route]:
    """All of them. Powertools keeps them in two lists and has no public way to either."""
    return [*app._static_routes, *app._dynamic_routes]  # noqa: SLF001
