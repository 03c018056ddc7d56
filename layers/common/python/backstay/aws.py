"""AWS clients, one a service and process. botocore is used straight: importing boto3 costs a fifth more."""

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import botocore.config
import botocore.loaders
import botocore.session

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_SERVICES = (
    "dynamodb", "sqs", "s3", "scheduler", "secretsmanager", "lambda", "stepfunctions", "events", "sesv2",
    "apigatewaymanagementapi", "xray", "logs",
)  # fmt: skip

_CONFIG = botocore.config.Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=50,  # ten jobs a batch write side by side
)


class _KnownServices(botocore.loaders.Loader):
    """Botocore's own, spared the search through 400 folders for the names of all services, 20 ms of a cold start."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        return [*_SERVICES]


@functools.cache
def _session() -> botocore.session.Session:
    logging.getLogger("botocore").setLevel(logging.INFO)  # below, it writes whole answers, secrets among them
    session = botocore.session.get_session()
    session.register_component("data_loader", _KnownServices())
    return session


@functools.cache
def _client(service: str, config: botocore.config.Config = _CONFIG, endpoint_url: str | None = None) -> Any:
    return _session().create_client(service, config=config, endpoint_url=endpoint_url)


def dynamodb() -> "DynamoDBClient":
    """The DynamoDB client."""
    return cast("DynamoDBClient", _client("dynamodb"))


def query_all(**request: Any) -> Iterator[dict[str, Any]]:
    """Every item that a query of DynamoDB finds, page by page, in DynamoDB's own notation."""
    for page in dynamodb().get_paginator("query").paginate(**request):
        yield from page["Items"]


def dynamodb_for_guards() -> "DynamoDBClient":
    """A DynamoDB client that gives up within seconds: a guard must not cost a call more time than it can save."""
    return cast("DynamoDBClient", _client("dynamodb", _GUARDS_CONFIG))


def sqs() -> "SQSClient":
    """The SQS client."""
    return cast("SQSClient", _client("sqs"))


def s3() -> "S3Client":
    """The S3 client. Signs with version 4, which presigned URLs for keys under KMS need."""
    return cast("S3Client", _client("s3", _S3_CONFIG))


def scheduler() -> "EventBridgeSchedulerClient":
    """The EventBridge Scheduler client."""
    return cast("EventBridgeSchedulerClient", _client("scheduler"))


def secretsmanager() -> "SecretsManagerClient":
    """The Secrets Manager client."""
    return cast("SecretsManagerClient", _client("secretsmanager"))


def stepfunctions() -> "SFNClient":
    """The Step Functions client."""
    return cast("SFNClient", _client("stepfunctions"))


def events() -> "EventBridgeClient":
    """The EventBridge client."""
    return cast("EventBridgeClient", _client("events"))


def ses() -> "SESV2Client":
    """The client of the Simple Email Service."""
    return cast("SESV2Client", _client("sesv2"))


def logs() -> "CloudWatchLogsClient":
    """The CloudWatch Logs client."""
    return cast("CloudWatchLogsClient", _client("logs"))


class XRayClient(Protocol):
    """What we need of X-Ray's client."""

    def put_trace_segments(self, *, TraceSegmentDocuments: Sequence[str]) -> Mapping[str, Any]:  # noqa: N803 - AWS's
        """Take documents in; answers which of them were refused."""


def xray() -> XRayClient:
    """The X-Ray client. It gives up within seconds: a trace must not hold up the work that it tells of."""
    return cast("XRayClient", _client("xray", _GUARDS_CONFIG))


def awslambda() -> "LambdaClient":
    """The Lambda client."""
    return cast("LambdaClient", _client("lambda"))


def sockets(callback_url: str) -> "ApiGatewayManagementApiClient":
    """A client that pushes over the sockets of a WebSocket API, and gives up soon: what it brings is soon stale."""
    client = _client("apigatewaymanagementapi", _GUARDS_CONFIG, callback_url)
    return cast("ApiGatewayManagementApiClient", client)


def awslambda_to_wait_for() -> "LambdaClient":
    """A Lambda client for functions whose answer somebody waits for: patient, and it never asks twice."""
    return cast("LambdaClient", _client("lambda", _WAITING_CONFIG))


def credentials() -> "Credentials | None":
    """What requests are signed with that no client here makes; None where the environment has none."""
    return _session().get_credentials()


def forget_clients() -> None:
    """Drop every client, so that the next is made under other credentials or another endpoint."""
    _client.cache_clear()
    _session.cache_clear()


_GUARDS_CONFIG = _CONFIG.merge(
    botocore.config.Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
)
_WAITING_CONFIG = _CONFIG.merge(
    botocore.config.Config(read_timeout=27, retries={"mode": "standard", "total_max_attempts": 1})
)
_S3_CONFIG = _CONFIG.merge(botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"}))
