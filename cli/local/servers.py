"""The embedded cloud's processes: AWS emulator, model server, and the bridge that completes the emulator."""

import importlib.util
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from cli.local.environment import aws_environment, network_environment, plain_environment
from cli.local.permissions import checking_environment
from cli.local.processes import Child, free_loopback_socket, is_running, spawn
from cli.local.state import StateDirectory
from cli.problems import Problem

_SITE = Path(__file__).parent / "lambda_site"
_RUNTIME_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_READY_WITHIN_S = 60


class Servers:
    """Starts the processes of one cloud, noting each as it starts so that none can be lost."""

    def __init__(self, state: StateDirectory, owner: Child | None, *, checks_permissions: bool = False) -> None:
        """Starts nothing yet.

        Args:
            state: where they keep what they keep.
            owner: the process without which this cloud makes no sense, or None for one that stays.
            checks_permissions: whether functions may do what their roles allow and nothing else, as on AWS. What they
                do is noted then.
        """
        self._state, self._owner, self._checks_permissions = state, owner, checks_permissions
        self._children: tuple[Child, ...] = ()
        self.endpoint_url = self.llm_url = self.inbox_url = self.page_url = ""

    @property
    def children(self) -> tuple[Child, ...]:
        """What was started so far."""
        return self._children

    def start(self, tell: Callable[[str], None], *, reaches_outside: bool) -> None:
        """Start everything and wait until it answers.

        Raises:
            Problem: one of them died or did not answer in time; names its log.
        """
        tell("starting the AWS emulator and the model server")
        with free_loopback_socket() as aws, free_loopback_socket() as llm, free_loopback_socket() as inbox:
            self.endpoint_url, self.llm_url, self.inbox_url = (_url(listener) for listener in (aws, llm, inbox))
            plain = plain_environment(self._state.temporary)
            # The bridge goes first: it is also what ends the others, should their owner be killed.
            self._keep(self._start_bridge(plain))
            self._start_emulator(aws, plain, reaches_outside=reaches_outside)
            self._start_model_server(llm, plain)
            receive = ["-m", "cli.local.inbox", str(inbox.fileno())]
            self._keep(spawn("inbox", receive, env=plain, log=self._log("inbox"), listener=inbox))
        self._start_page(plain)
        self._wait_for("aws", f"{self.endpoint_url}/_ministack/ready")
        self._wait_for("llm", f"{self.llm_url}/_llmock/scenario")
        self._wait_for("inbox", f"{self.inbox_url}/")

    def start_emulator(self) -> None:
        """Start the AWS emulator alone, for whoever deploys nothing, and wait until it answers.

        Raises:
            Problem: it died or did not answer in time; names its log.
        """
        plain = plain_environment(self._state.temporary)
        with free_loopback_socket() as aws:
            self.endpoint_url = _url(aws)
            if self._owner:
                self._keep(self._start_bridge(plain))
            self._start_emulator(aws, plain, reaches_outside=False)
        self._wait_for("aws", f"{self.endpoint_url}/_ministack/ready")

    def start_model_server(self) -> None:
        """Start the model server alone, and wait until it answers.

        Raises:
            Problem: it died or did not answer in time; names its log.
        """
        with free_loopback_socket() as llm:
            self.llm_url = _url(llm)
            self._start_model_server(llm, plain_environment(self._state.temporary))
        self._wait_for("llm", f"{self.llm_url}/_llmock/scenario")

    def _start_page(self, plain: dict[str, str]) -> None:
        with free_loopback_socket() as listener:
            self.page_url = _url(listener)
            serve = ["-m", "cli.local.page", str(listener.fileno()), str(self._state.path)]
            self._keep(spawn("page", serve, env=plain, log=self._log("page"), listener=listener))

    def _start_model_server(self, listener: socket.socket, plain: dict[str, str]) -> None:
        serve = ["-m", "cli.local.model_server", str(listener.fileno())]
        self._keep(spawn("llm", serve, env=plain, log=self._log("llm"), listener=listener))

    def _start_emulator(self, listener: socket.socket, plain: dict[str, str], *, reaches_outside: bool) -> None:
        env = self._emulator_environment(listener.getsockname()[1], plain, reaches_outside=reaches_outside)
        command = ["-m", "hypercorn", "--workers", "0", "--keep-alive", "75"]
        bind = ["--bind", f"fd://{listener.fileno()}", "cli.local.emulator:app"]
        self._keep(spawn("aws", command + bind, env=env, log=self._log("aws"), listener=listener))

    def _keep(self, child: Child) -> None:
        self._children = (*self._children, child)
        self._state.note_children(self._children)

    def _log(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    def _start_bridge(self, plain: dict[str, str]) -> Child:
        arguments = ["-m", "cli.local.bridge", str(self._state.path), self.endpoint_url]
        if self._owner:
            arguments += [str(self._owner.pid), self._owner.started]
        env = plain | aws_environment(self.endpoint_url, self._state.path)
        return spawn("bridge", arguments, env=env, log=self._log("bridge"))

    def _emulator_environment(self, port: int, plain: dict[str, str], *, reaches_outside: bool) -> dict[str, str]:
        files = self._state.path / "emulator"
        return (
            plain
            | (network_environment() if reaches_outside else {})
            | (checking_environment(self._state.permissions) if self._checks_permissions else {})
            | {
                "GATEWAY_PORT": str(port),
                "BIND_HOST": "127.0.0.1",
                "STATE_DIR": str(files / "state"),
                "S3_DATA_DIR": str(files / "s3"),
                "PERSIST_STATE": "0",
                "SFTP_ENABLED": "0",  # both would listen on a fixed port, and on every interface
                "IOT_MTLS_ENABLED": "0",
                "LAMBDA_EXECUTOR": "local",
                "LOG_LEVEL": "INFO",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "PYTHONPATH": str(_SITE),
                "BACKSTAY_LAMBDA_RUNTIME": str(link_lambda_runtime(self._state.path / "runtime")),
            }
        )

    def _wait_for(self, name: str, url: str) -> None:
        child = next(child for child in self._children if child.name == name)
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            if not is_running(child):
                raise Problem(f"the {name} server died as it started: {last_line(self._log(name))}", self._see(name))
            if _answers(url):
                return
            time.sleep(0.1)
        raise Problem(f"the {name} server did not answer at {url} within {_READY_WITHIN_S} s", self._see(name))

    def _see(self, name: str) -> str:
        return f"see {self._log(name)}"


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def last_line(log: Path) -> str:
    """The last line that is not empty, which for most programs is the reason why they died."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "its log is empty"


def link_lambda_runtime(folder: Path) -> Path:
    """A folder with just the packages that Lambda's Python runtime provides, linked from where they are installed.

    Raises:
        Problem: one of them is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in _RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise Problem(f"the package {package} is missing", "run: uv sync --frozen")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        link = folder / source.name
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    return folder
