"""`up` and `down`: everything of one embedded cloud, or nothing of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config

from backstay.access.key import EVERY_TENANT, Scope
from backstay.access.key_store import KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.catalog import Catalog
from backstay.config import FILE_NAME, dump
from cli.aws import acting_as
from cli.local.alert_channels import MAIL_DOMAIN
from cli.local.deployment import STAGE, Deployment, gateway_of
from cli.local.environment import REGION, aws_environment
from cli.local.processes import Child, is_running, stop, undisturbed
from cli.local.providers import Providers, RealProvider, read_base
from cli.local.servers import Servers
from cli.local.state import REPOSITORY, LocalCloud, StateDirectory
from cli.problems import Problem

Tell = Callable[[str], None]
"""Takes a line about what is going on; one that starts with a blank is a detail of the step before it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of cloud is wanted."""

    provider: RealProvider | None = None
    """Where model calls go; None for the model server on this machine."""
    owner: Child | None = None
    """The process whose end is the cloud's end too; None for a cloud that stays."""
    functions: Path = REPOSITORY / "functions"
    """The folder whose tasks are deployed."""
    sagas: Path = REPOSITORY / "infra" / "sagas"
    """The folder whose sagas are deployed."""
    config: Path = REPOSITORY / FILE_NAME
    """The backstay.toml that is deployed, with its providers answered on this machine."""
    checks_permissions: bool = False
    """Whether functions may do what their roles allow and nothing else, as on AWS."""


def up(state: StateDirectory, tell: Tell, wish: Wish = Wish()) -> LocalCloud:
    """Start a cloud, or deploy anew into the one that runs.

    Raises:
        Problem: something is missing or failed. What this call started is stopped again, its logs are kept.
    """
    with state.locked():
        if running := state.cloud():
            return _deploy(state, running, tell, wish)
        # What an interrupted start or a reboot left behind; strangers under an old pid are left alone.
        stop(state.children())
        state.clear()
        state.prepare()
        return _start(state, tell, wish)


def down(state: StateDirectory, *, keep_logs: bool = False) -> bool:
    """Stop whatever runs in the state directory and remove its state. Whether anything ran.

    Raises:
        Problem: another command is at work there.
    """
    if not state.path.exists():
        return False
    with state.locked(), undisturbed():
        children = state.children()
        ran = any(is_running(child) for child in children)
        stop(children)
        state.clear(keep_logs=keep_logs)
    return ran


def _start(state: StateDirectory, tell: Tell, wish: Wish) -> LocalCloud:
    servers = Servers(state, wish.owner, checks_permissions=wish.checks_permissions)
    try:
        servers.start(tell, reaches_outside=wish.provider is not None)
        Deployment(state, servers.endpoint_url).prepare(tell)
        blank = LocalCloud(
            api_url="",
            api_key="",
            endpoint_url=servers.endpoint_url,
            llm_url=servers.llm_url,
            inbox_url=servers.inbox_url,
            dashboard_url=servers.page_url,
            stage=STAGE,
            queues={},
            outputs={},
            processes=servers.children,
        )
        return _deploy(state, blank, tell, wish)
    except BaseException:
        with undisturbed():
            tell("stopping what was started")
            stop(servers.children)
            state.clear(keep_logs=True)
        raise


def _deploy(state: StateDirectory, cloud: LocalCloud, tell: Tell, wish: Wish) -> LocalCloud:
    providers = _providers(cloud, wish)
    config = state.path / "backstay.toml"
    config.write_text(dump(providers.config))
    outputs = Deployment(state, cloud.endpoint_url).deploy(config, wish.functions, wish.sagas, tell)
    tell("putting the providers' secrets and the API key in place")
    _put_secrets(cloud, {outputs["SecretPrefix"] + name: value for name, value in providers.secrets.items()})
    _client(cloud, "sesv2").create_email_identity(EmailIdentity=MAIL_DOMAIN)
    api_url = local_api_url(cloud.endpoint_url, outputs["ApiUrl"])
    deployed = replace(
        cloud,
        api_url=api_url,
        outputs=outputs,
        queues=_queues(outputs, wish.functions),
    )
    with acting_as(aws_environment(cloud.endpoint_url, state.path)):
        deployed = replace(deployed, api_key=cloud.api_key or _new_key(outputs))
    state.write_cloud(deployed)
    return deployed


def _providers(cloud: LocalCloud, wish: Wish) -> Providers:
    base = read_base(wish.config)
    inbox = cloud.inbox_url.removeprefix("http://")
    if wish.provider:
        return Providers.at_real_provider(base, wish.provider, inbox)
    return Providers.on_model_server(base, cloud.llm_url, inbox)


def _put_secrets(cloud: LocalCloud, secrets: Mapping[str, str]) -> None:
    client = _client(cloud, "secretsmanager")
    for name, value in secrets.items():
        try:
            client.create_secret(Name=name, SecretString=value)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, SecretString=value)


def _client(cloud: LocalCloud, service: Literal["secretsmanager", "sesv2"]) -> Any:
    return boto3.client(
        service,
        endpoint_url=cloud.endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
        config=Config(proxies={}),
    )


def _new_key(outputs: Mapping[str, str]) -> str:
    store = KeyStore(outputs["KeysTable"], WebhookSecrets(outputs["SecretPrefix"]))
    return store.create("embedded cloud", EVERY_TENANT, [str(scope) for scope in Scope], webhook=True).key


def _queues(outputs: Mapping[str, str], functions: Path) -> dict[str, str]:
    catalog = Catalog(functions)
    return {task.name: outputs["QueueUrlPrefix"] + task.queue_name("normal") for task in catalog}


def local_api_url(endpoint_url: str, output: str) -> str:
    """Where the emulator answers for the API.

    Raises:
        Problem: the stack's output names no API.
    """
    host = output.removeprefix("https://").removeprefix("http://").partition("/")[0]
    api_id, dot, rest = host.partition(".")
    if not dot or not rest.startswith("execute-api."):
        raise Problem(f"the stack's output ApiUrl is {output!r}, which names no HTTP API", "check infra/api.py")
    return f"{gateway_of(endpoint_url)}/{api_id}"
