"""Metrics of what the stage is made of, by the physical names that it gives: whoever looks needs no exports."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb

from backstay.telemetry import NAMESPACE
from infra.stage import Stage


def ours(name: str, statistic: str, **dimensions: str) -> cloudwatch.Metric:
    """A metric of our own, as functions emit it."""
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=name, dimensions_map=dimensions or None, statistic=statistic
    )


def of_queue(stage: Stage, queue: str, name: str, statistic: str) -> cloudwatch.Metric:
    """A metric of a queue, such as `ApproximateNumberOfMessagesVisible`."""
    return _aws("SQS", name, statistic, QueueName=f"{stage.prefix}{queue}")


def dead_queue_of(name: str) -> str:
    """The dead letter queue of a task or function, as `backstay.jobs.queues` calls it too."""
    return f"{name}-dead"


def of_function(stage: Stage, function: str, name: str, statistic: str) -> cloudwatch.Metric:
    """A metric of a function, such as `Errors`, which every call counts as 0 or 1."""
    return _aws("Lambda", name, statistic, FunctionName=f"{stage.prefix}{function}")


def of_account(name: str, statistic: str) -> cloudwatch.Metric:
    """A metric of all functions of the account and region together."""
    return _aws("Lambda", name, statistic)


def of_table(table: dynamodb.ITable, name: str, statistic: str, operation: str = "") -> cloudwatch.Metric:
    """A metric of a table or of one operation on it. Tables' names are generated, and exported for this."""
    about = {"Operation": operation} if operation else {}
    return _aws("DynamoDB", name, statistic, TableName=table.table_name, **about)


def of_api(api_id: str, name: str, statistic: str) -> cloudwatch.Metric:
    """A metric of the HTTP API, such as `5xx`, which every request counts as 0 or 1."""
    return _aws("ApiGateway", name, statistic, ApiId=api_id)


def _aws(service: str, name: str, statistic: str, **dimensions: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=f"AWS/{service}", metric_name=name, dimensions_map=dimensions or None, statistic=statistic
    )
