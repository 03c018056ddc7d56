"""Child processes that outlive the command, and that are ended only when they are surely ours."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Child:
    """A process that the embedded cloud started. Its start time tells it from a stranger who got the same pid."""

    name: str
    pid: int
    started: str


_unreaped: dict[int, "subprocess.Popen[bytes]"] = {}
"""Children of this very process; polling them keeps the dead from staying zombies."""


def start_mark(pid: int) -> str | None:
    """When a process started, in a form that no other process on this machine ever has; None if it doesn't run."""
    if process := _unreaped.get(pid):
        process.poll()
    if not Path("/proc/self/stat").exists():
        return _start_mark_from_ps(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, ticks_since_boot = fields[0], fields[19]
    return None if state in "ZX" else f"{_BOOT_ID.read_text().strip()}:{ticks_since_boot}"


def _start_mark_from_ps(pid: int) -> str | None:
    answer = subprocess.run(  # noqa: S603 - a fixed program and a number
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C"},
    ).stdout.strip()
    return None if not answer or answer.startswith("Z") else answer.partition(" ")[2].strip()


def is_running(child: Child) -> bool:
    """Whether this child, and not a stranger under its pid, is running."""
    return start_mark(child.pid) == child.started


def free_loopback_socket() -> socket.socket:
    """A socket on a port of the operating system's choice, bound but silent.

    It is handed to the child as it is: no other process can take the port in between, as it could if only the
    number travelled.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    return listener


def spawn(
    name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, listener: socket.socket | None = None
) -> Child:
    """Start a child in a session of its own, so that Ctrl-C at the terminal doesn't reach it; output goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptors = (listener.fileno(),) if listener else ()
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own arguments
            [sys.executable, *command],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
            start_new_session=True,
        )
    _unreaped[process.pid] = process
    return child_of(name, process.pid)


def child_of(name: str, pid: int) -> Child:
    """The child with this pid, as it was just started."""
    # One that died at once has no start time; its log tells why, and nothing will take it for running.
    return Child(name, pid, start_mark(pid) or "died at once")


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Tidying up must not be cut short by a second Ctrl-C; only the main thread gets any, so others need nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop(children: Sequence[Child], grace_s: float = 6.0) -> None:
    """End these children and whatever they started, all at once: politely, and after `grace_s` seconds for good."""
    running = [child for child in children if is_running(child)]
    for child in running:
        _signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and any(is_running(child) for child in running):
        time.sleep(0.05)
    for child in running:
        # The group outlives its leader as long as a worker is left in it, and keeps the pid from being used again.
        _signal_group(child.pid, signal.SIGKILL)
    for child in running:
        if process := _unreaped.pop(child.pid, None):
            process.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS answers so when the group holds nothing but zombies.
        return
