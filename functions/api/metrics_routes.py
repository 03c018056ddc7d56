"""Metrics for Prometheus."""

from aws_lambda_powertools.event_handler import Response

from backstay.access.key import Scope

from .gate import caller_of, needs, routes

router = routes()


@router.get(
    "/metrics",
    security=needs(Scope.READ),
    tags=["operation"],
    summary="Metrics for Prometheus",
    openapi_extensions={"x-answers-as": ["text/plain"]},
)
def metrics() -> Response[str]:
    """How everything stands, in Prometheus' text format. A key of one tenant sees that tenant's jobs, runs and costs.

    Names are CloudWatch's in snake case, with `backstay_` before. What is only ever measured, and kept nowhere but
    there, such as the durations of requests, is not among them.
    """
    from .house import read_house
    from .house_metrics import families
    from .prometheus import MEDIA_TYPE, text

    whose = caller_of(router).tenant_to_list(None)
    return Response(200, MEDIA_TYPE, text(families(read_house(whose))), compress=True)
