"""Which Backstay the command talks to: the embedded cloud on this machine, or a stage on AWS."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.local.environment import aws_environment
from cli.local.state import LocalCloud, StateDirectory
from cli.problems import ExitCode, Problem

KEY_VARIABLE = "BACKSTAY_API_KEY"


@dataclass(frozen=True, slots=True)
class Target:
    """One deployed Backstay."""

    name: str
    api_url: str
    api_key: str | None
    outputs: Mapping[str, str]
    """The stack's outputs."""
    aws: Mapping[str, str]
    """Environment variables under which AWS clients reach it."""
    is_local: bool


@dataclass(frozen=True)
class Session:
    """What the options before the command's name say."""

    stage: str | None
    profile: str | None
    state_dir: Path | None
    api_key: str | None

    @functools.cached_property
    def target(self) -> Target:
        """A stage on AWS where one is named, else the embedded cloud that runs.

        Raises:
            Problem: there is no such stage, or no cloud is running.
        """
        if self.stage or self.profile:
            return aws_target(self.stage or "dev", self.profile, self.api_key)
        return self._local_target()

    @property
    def state(self) -> StateDirectory:
        """Where the embedded cloud's state lies."""
        return StateDirectory.choose(self.state_dir)

    def _local_target(self) -> Target:
        cloud = self.state.cloud()
        if cloud is None:
            raise Problem(
                f"no embedded cloud is running in {self.state.path}",
                "start one: backstay up; or name a stage on AWS: backstay --stage dev …",
                ExitCode.NOT_REACHABLE,
            )
        return local_target(cloud, self.state, self.api_key)


def local_target(cloud: LocalCloud, state: StateDirectory, api_key: str | None = None) -> Target:
    """The embedded cloud that runs in a state directory."""
    return Target(
        name="embedded cloud",
        api_url=cloud.api_url,
        api_key=api_key or cloud.api_key,
        outputs=cloud.outputs,
        aws=aws_environment(cloud.endpoint_url, state.path),
        is_local=True,
    )


def aws_target(stage: str, profile: str | None, api_key: str | None) -> Target:
    """A stage on AWS, found by its CloudFormation stack.

    Raises:
        Problem: no credentials, no such stack, or no answer.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

    stack = f"Backstay-{stage}"
    try:
        client = boto3.Session(profile_name=profile).client("cloudformation")
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
    except (NoCredentialsError, ProfileNotFound) as error:
        raise Problem(str(error), "name a profile with --profile, or log in to AWS", ExitCode.NOT_REACHABLE) from error
    except ClientError as error:
        message = error.response.get("Error", {}).get("Message", str(error))
        raise Problem(message, f"deploy it: backstay --stage {stage} deploy", ExitCode.NOT_REACHABLE) from error
    except BotoCoreError as error:
        raise Problem(str(error), "check the profile's region and the network", ExitCode.NOT_REACHABLE) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    region = client.meta.region_name
    return Target(
        name=f"{stack} in {region}",
        api_url=outputs["ApiUrl"].rstrip("/"),
        api_key=api_key,
        outputs=outputs,
        aws={"AWS_REGION": region, "AWS_DEFAULT_REGION": region} | ({"AWS_PROFILE": profile} if profile else {}),
        is_local=False,
    )
