"""What passes by itself between us and a table: it costs the job that meets it time, and no attempt."""

from collections.abc import Iterator
from contextlib import contextmanager

from backstay.errors import ErrorClass, WorkError

_PASSING = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
}


@contextmanager
def passing_trouble(what: str) -> Iterator[None]:
    """Around requests to a table.

    Args:
        what: what is asked, such as `the content table`, for the message.

    Raises:
        WorkError: of class `unreachable`, when DynamoDB does not answer or limits us.
    """
    from botocore import exceptions as aws_errors

    try:
        yield
    except (aws_errors.ConnectionError, aws_errors.HTTPClientError) as error:
        raise WorkError(ErrorClass.UNREACHABLE, f"{what} did not answer: {error}") from error
    except aws_errors.ClientError as error:
        if error.response.get("Error", {}).get("Code") in _PASSING:
            raise WorkError(ErrorClass.UNREACHABLE, f"{what} limits us: {error}") from error
        raise
