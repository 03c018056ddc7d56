"""Brings the real CDK app into the emulator, with the CDK CLI that AWS users run."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.local.environment import ACCOUNT, REGION, aws_environment, plain_environment, tool_environment
from cli.local.processes import child_of
from cli.local.state import REPOSITORY, StateDirectory
from cli.problems import ExitCode, Problem

STAGE = "dev"
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
_TAIL = 12


def install_node_packages(env: Mapping[str, str], log: Path, tell: Callable[[str], None]) -> None:
    """Install the pinned CDK CLI and what builds the web page into node_modules, unless they are there.

    Raises:
        Problem: Node is missing, or npm could not install.
    """
    for program in ("node", "npm"):
        if not shutil.which(program, path=env["PATH"]):
            raise Problem(f"{program} is missing", "run: uv sync --frozen (it brings Node in the virtual environment)")
    with _one_at_a_time(REPOSITORY / "package.json"):
        if not _are_installed():
            tell("installing the CDK CLI and what builds the page (npm ci)")
            run(Program("npm ci", ["npm", "ci", "--no-audit", "--no-fund"], env, log), lambda _: None)


def _are_installed() -> bool:
    """Whether node_modules has every package of package.json, in its version."""
    wanted: dict[str, str] = json.loads((REPOSITORY / "package.json").read_text())["devDependencies"]
    manifests = {name: REPOSITORY / "node_modules" / name / "package.json" for name in wanted}
    return all(
        manifest.exists() and json.loads(manifest.read_text())["version"] == wanted[name]
        for name, manifest in manifests.items()
    )


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Several clouds may start from one checkout; only one of them installs."""
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


class Deployment:
    """Deployments of the app into one running emulator."""

    def __init__(self, state: StateDirectory, endpoint_url: str) -> None:
        self._state, self._log = state, state.logs / "deploy.log"
        self._gateway = gateway_of(endpoint_url)
        self._env = (
            tool_environment()
            | plain_environment(state.temporary)
            | aws_environment(endpoint_url, state.path)
            | {"CDK_DISABLE_CLI_TELEMETRY": "true", "NO_COLOR": "1", "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1"}
        )

    def prepare(self, tell: Callable[[str], None]) -> None:
        """Install the CDK CLI where it is missing, and bootstrap the emulator's account.

        Raises:
            Problem: one of them failed; with the end of its output.
        """
        install_node_packages(self._env, self._log, tell)
        tell("bootstrapping the account")
        command = [str(CDK), "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--no-notices"]
        # In a directory without a cdk.json, so that nothing is synthesised only to bootstrap.
        bootstrap = Program("cdk bootstrap", command, self._env, self._log, cwd=self._state.temporary)
        run(bootstrap, lambda _: None, self._state)

    def deploy(self, config: Path, functions: Path, sagas: Path, tell: Callable[[str], None]) -> Mapping[str, str]:
        """Synthesise and deploy the app with this backstay.toml, tasks and sagas of these folders; the stack's outputs.

        Raises:
            Problem: it failed; with the end of its output.
        """
        install_node_packages(self._env, self._log, tell)  # another checkout may have started this cloud
        tell("building the page, the layers and the app")
        self._build_page()
        outputs = self._state.path / "outputs.json"
        context = {"stage": STAGE, "layer_platform": "host", "config": str(config), "functions": str(functions)}
        context |= {"sagas": str(sagas), "gateway": self._gateway}
        command = [str(CDK), "deploy", "--all", "--require-approval", "never", "--no-notices", "--progress", "events"]
        command += ["--output", str(self._state.path / "cdk.out"), "--outputs-file", str(outputs)]
        command += [word for name, value in context.items() for word in ("--context", f"{name}={value}")]
        program = Program("cdk deploy", command, self._env, self._log)
        run(program, lambda line: tell(f"  {line}"), self._state)
        stacks: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return {name: value for stack in stacks.values() for name, value in stack.items()}

    def _build_page(self) -> None:
        command = ["npm", "run", "--silent", "page", "--", f"--outdir={self._state.page}"]
        run(Program("building the page", command, self._env, self._log), lambda _: None, self._state)


def gateway_of(endpoint_url: str) -> str:
    """Where the emulator answers for APIs: by path, since a browser or resolver may not know `*.localhost`."""
    return f"{endpoint_url}/_aws/execute-api"


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run to its end."""

    what: str
    """For people, such as `cdk deploy`."""
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    cwd: Path = REPOSITORY


def run(program: Program, tell: Callable[[str], None], state: StateDirectory | None = None) -> None:
    """Run a program to its end, its output in its log and each line of it, tidied, to `tell`.

    Raises:
        Problem: it ended with an error; with the end of its output.
    """
    last: deque[str] = deque(maxlen=_TAIL)
    with program.log.open("a") as output:
        process = subprocess.Popen(  # noqa: S603 - programs that deployments consist of
            program.command,
            cwd=program.cwd,
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        noted = state.noted(child_of(program.what, process.pid)) if state else contextlib.nullcontext()
        try:
            with noted:
                for line in process.stdout or ():
                    output.write(line)
                    if text := line.strip():
                        last.append(text)
                        tell(text)
                status = process.wait()
        except BaseException:
            _end(process)
            raise
    if status:
        raise Problem(f"{program.what} failed:\n  " + "\n  ".join(last), f"see {program.log}", ExitCode.FAILED)


def _end(process: "subprocess.Popen[str]") -> None:
    """Interrupted: the program and its children (the CDK app under jsii) must not go on alone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
