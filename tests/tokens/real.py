"""How many tokens real tokenizers make of texts: OpenAI's tables, in the npm package that carries them."""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cli.local.environment import plain_environment, tool_environment
from cli.local.state import DEFAULT_STATE

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", "count.js")


def most_tokens(texts: Sequence[str]) -> list[int]:
    """The most that either of the tables o200k_base and cl100k_base makes of each text; words such as
    `<|endoftext|>` are text like any other.

    Raises:
        subprocess.CalledProcessError: npm could not install, or Node could not count.
    """
    folder, temporary = DEFAULT_STATE / "tokens", DEFAULT_STATE / "tmp"
    for path in (folder, temporary):
        path.mkdir(parents=True, exist_ok=True)
    env = tool_environment() | plain_environment(temporary)
    _install(folder, env)
    counted = subprocess.run(
        ["node", "count.js"], cwd=folder, env=env, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    counts: list[int] = json.loads(counted.stdout)
    return counts


def _install(folder: Path, env: dict[str, str]) -> None:
    """Once, whoever else wants it at the same time."""
    with (_HERE / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        installed = folder / "node_modules" / ".package-lock.json"
        wanted = _HERE / "package-lock.json"
        if installed.exists() and (folder / "package-lock.json").read_bytes() == wanted.read_bytes():
            shutil.copy(_HERE / "count.js", folder)
            return
        for name in _FILES:
            shutil.copy(_HERE / name, folder)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, env=env, capture_output=True, check=True)
