"""How the services refuse: as the exceptions of botocore that clients of ours catch."""

import functools
from typing import Any

import botocore.session
from botocore.exceptions import ClientError


@functools.cache
def exceptions_of(service: str) -> Any:
    """What a client of the service calls `exceptions`."""
    session = botocore.session.get_session()
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    return session.create_client(service, region_name="us-east-1", **keys).exceptions


def refusal(service: str, operation: str, code: str, message: str = "", **more: Any) -> ClientError:
    """The exception of this code."""
    answer: Any = {"Error": {"Code": code, "Message": message or code}, "ResponseMetadata": {}, **more}
    made: ClientError = exceptions_of(service).from_code(code)(answer, operation)
    return made
