"""An AWS emulator and a model server on this machine, each a process of its own, for what an in-process fake would
distort: time, and what several processes do to one table."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from backstay import aws
from backstay.llm.process import forget_switchboard
from bench.cloud import CACHE, GUARDS, environment, make_table
from cli.local.environment import aws_environment
from cli.local.processes import Child, start_mark, stop
from cli.local.servers import Servers
from cli.local.state import StateDirectory

NO_LIMIT_REACHED = """
[providers.anthropic]
kind = "anthropic"
secret = "provider/anthropic"
base_url = "{llm_url}/anthropic"
concurrency = 100
[providers.anthropic.limits]
requests_per_minute = 1_000_000
tokens_per_minute = 10_000_000_000
[routes]
default = ["anthropic/claude-haiku-5-5"]
"""
"""A backstay.toml with limits that are kept, and that no benchmark reaches; `{llm_url}` stands for the model server's
address."""


@dataclass(frozen=True, slots=True)
class Loopback:
    """Where the servers answer, and what tells other processes."""

    llm_url: str
    variables: dict[str, str]
    """Of a function's environment on these servers."""

    def asked(self) -> int:
        """How many requests the model server has answered."""
        answer = httpx.get(f"{self.llm_url}/_llmock/requests", trust_env=False)
        return len(answer.raise_for_status().json()["requests"])


@contextmanager
def loopback(config: str = NO_LIMIT_REACHED) -> Iterator[Loopback]:
    """Both servers, with empty tables for guards and answers; this process is in a function's environment on them.

    Args:
        config: a backstay.toml; `{llm_url}` stands for the model server's address.
    """
    with tempfile.TemporaryDirectory() as folder:
        state = StateDirectory(Path(folder))
        state.prepare()
        servers = Servers(state, Child("bench", os.getpid(), start_mark(os.getpid()) or "unknown"))
        try:
            servers.start_emulator()
            servers.start_model_server()
            file = Path(folder) / "backstay.toml"
            file.write_text(config.replace("{llm_url}", servers.llm_url), encoding="utf-8")
            more = aws_environment(servers.endpoint_url, state.path) | {"BACKSTAY_CONFIG": str(file)}
            with environment(**more) as env:
                forget_switchboard()
                for table in (GUARDS, CACHE):
                    make_table(table)
                name = f"{env.secret_prefix}provider/anthropic"
                aws.secretsmanager().create_secret(Name=name, SecretString="bench")
                yield Loopback(servers.llm_url, dict(os.environ))
            forget_switchboard()
        finally:
            stop(servers.children)
