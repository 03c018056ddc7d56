"""Child processes: ours are ended whole, strangers are left alone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cli.local.processes import Child, free_loopback_socket, is_running, spawn, start_mark, stop

SLEEP = ["-c", "import time; time.sleep(60)"]
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def wait_until(holds: Callable[[], object], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_a_stopped_child_and_what_it_started_are_gone(tmp_path: Path) -> None:
    child = spawn("parent", ["-c", PARENT], env=os.environ, log=tmp_path / "log")
    assert wait_until(lambda: (tmp_path / "log").read_text().strip())
    grandchild = int((tmp_path / "log").read_text())
    stop([child])
    assert not is_running(child)
    assert wait_until(lambda: start_mark(grandchild) is None)


def test_a_stranger_who_got_the_pid_of_a_child_is_left_alone() -> None:
    stranger = subprocess.Popen([sys.executable, *SLEEP], start_new_session=True)
    try:
        stop([Child("aws", stranger.pid, "an earlier boot:12345")])
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_child_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    child = spawn("stubborn", ["-c", STUBBORN], env=os.environ, log=tmp_path / "log")
    assert wait_until(lambda: (tmp_path / "log").read_text().strip())
    stop([child], grace_s=0.2)
    assert start_mark(child.pid) is None


def test_a_child_that_died_by_itself_is_not_running(tmp_path: Path) -> None:
    child = spawn("brief", ["-c", "pass"], env=os.environ, log=tmp_path / "log")
    assert wait_until(lambda: not is_running(child))


def test_stopping_twice_does_no_harm(tmp_path: Path) -> None:
    child = spawn("sleeper", SLEEP, env=os.environ, log=tmp_path / "log")
    stop([child])
    stop([child, replace(child, name="again")])
    assert not is_running(child)


def test_every_reserved_port_is_another_and_stays_taken() -> None:
    with free_loopback_socket() as one, free_loopback_socket() as two:
        assert one.getsockname()[0] == "127.0.0.1"
        assert one.getsockname()[1] != two.getsockname()[1]
