"""The state directory of one embedded cloud: what runs, where it answers, and who may work on it."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cli.local.processes import Child, is_running
from cli.problems import ExitCode, Problem

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_STATE = REPOSITORY / ".backstay"
STATE_VARIABLE = "BACKSTAY_STATE_DIR"


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """What `local.json` says: everything that somebody needs to use the running cloud."""

    api_url: str
    api_key: str
    endpoint_url: str
    """The AWS endpoint: `AWS_ENDPOINT_URL` for any SDK, with any credentials."""
    llm_url: str
    inbox_url: str
    """Where webhooks may be sent to be looked at: see `cli.local.inbox`."""
    dashboard_url: str
    """The web page, with the API below it."""
    stage: str
    queues: Mapping[str, str]
    """Task name to queue URL; for a task with priorities the one for normal."""
    outputs: Mapping[str, str]
    """The stack's outputs."""
    processes: tuple[Child, ...] = field(default=())

    def to_json(self) -> str:
        """The text of `local.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "LocalCloud":
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is something else.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(**{**data, "processes": tuple(Child(**child) for child in data["processes"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the description of a cloud: {error}") from error


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """One directory, one cloud."""

    path: Path

    @classmethod
    def choose(cls, given: Path | None) -> "StateDirectory":
        """The directory that was asked for by option or by BACKSTAY_STATE_DIR, else `.backstay` in the repository."""
        return cls((given or Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE)).resolve())

    @property
    def local_json(self) -> Path:
        """Written when the cloud is ready, removed when it goes."""
        return self.path / "local.json"

    @property
    def logs(self) -> Path:
        """One log a child process and a deployment."""
        return self.path / "logs"

    @property
    def temporary(self) -> Path:
        """The temporary directory of every child: what the emulator unpacks vanishes with the cloud."""
        return self.path / "tmp"

    @property
    def page(self) -> Path:
        """The web page's files."""
        return self.path / "page"

    @property
    def permissions(self) -> Path:
        """What functions did to AWS, where the cloud checks whether they may: see `cli.local.permissions`."""
        return self.path / "permissions.jsonl"

    @property
    def _children(self) -> Path:
        return self.path / "processes.json"

    def prepare(self) -> None:
        """Make the directories. The cloud's API key lies here, so that only the owner may look."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.logs.mkdir(exist_ok=True)
        self.temporary.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for `up` or `down`; the operating system lets go of it when the process dies.

        Raises:
            Problem: another command holds it.
        """
        self.prepare()
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem(
                    f"another backstay command is starting or stopping the cloud in {self.path}",
                    "wait for it to end, or use another --state-dir",
                ) from None
            yield

    def note_children(self, children: tuple[Child, ...]) -> None:
        """Write down what runs, before anything else can go wrong with it."""
        _replace(self._children, json.dumps([asdict(child) for child in children]))

    def children(self) -> tuple[Child, ...]:
        """What was written down; some of it may have died since."""
        try:
            return tuple(Child(**child) for child in json.loads(self._children.read_text()))
        except FileNotFoundError:
            return ()
        except (ValueError, TypeError) as error:
            raise Problem(
                f"{self._children} is damaged: {error}", f"end what runs by hand and remove {self.path}"
            ) from error

    @contextlib.contextmanager
    def noted(self, child: Child) -> Iterator[None]:
        """Keep a passing child among the others for the length of a `with`, should this process be killed meanwhile."""
        others = self.children()
        self.note_children((*others, child))
        try:
            yield
        finally:
            self.note_children(others)

    def write_cloud(self, cloud: LocalCloud) -> None:
        """Tell everybody that the cloud is ready."""
        _replace(self.local_json, cloud.to_json())

    def cloud(self) -> LocalCloud | None:
        """The cloud that runs here; None where none does, whatever a reboot or a crash left behind."""
        try:
            cloud = LocalCloud.from_json(self.local_json.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return cloud if cloud.processes and all(is_running(child) for child in cloud.processes) else None

    def require_cloud(self) -> LocalCloud:
        """The cloud that runs here.

        Raises:
            Problem: none does.
        """
        if cloud := self.cloud():
            return cloud
        raise Problem(f"no embedded cloud is running in {self.path}", "start one: backstay up", ExitCode.NOT_REACHABLE)

    def clear(self, *, keep_logs: bool = False) -> None:
        """Remove what this cloud wrote; the directory itself goes when nothing else lies in it."""
        kept = {"lock", "logs"} if keep_logs else {"lock"}
        for name in _OWN - kept:
            target = self.path / name
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        if not keep_logs:
            (self.path / "lock").unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.path.rmdir()


_OWN = frozenset(
    {"local.json", "processes.json", "logs", "tmp", "emulator", "runtime", "cdk.out", "backstay.toml", "outputs.json"}
    | {"permissions.jsonl"}
)


def _replace(path: Path, text: str) -> None:
    """Write all or nothing; readers never meet half a file."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
