"""AWS clients for the command: under the user's own credentials, or pointed at the embedded cloud."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from backstay import aws


@contextmanager
def acting_as(environment: Mapping[str, str]) -> Iterator[None]:
    """Let `backstay.aws` make its clients under these environment variables, for the length of a `with`.

    The features that Lambdas use take their credentials from the environment, as a Lambda has them.
    """
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("AWS_")] if "AWS_ENDPOINT_URL" in environment else []:
        del os.environ[name]
    os.environ.update(environment)
    aws.forget_clients()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        aws.forget_clients()
