"""What importing costs, in modules."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

HEAVY = ("anthropic", "openai", "genai_prices", "httpx2", "botocore", "boto3", "aws_lambda_powertools")


@pytest.mark.parametrize("module", ["backstay.llm", "backstay.task", "backstay.config"])
def test_importing_loads_no_sdk_and_no_client(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert not set(HEAVY) & set(loaded)


def test_pydantic_is_not_needed_to_import_calls() -> None:
    script = "import sys, backstay.llm; print('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False\n"


SDKS = {"anthropic", "openai"}
TOML = """
[providers.anthropic]
kind = "anthropic"
secret = "provider/anthropic"
base_url = "{anthropic}"
[providers.openai]
kind = "openai"
secret = "provider/openai"
base_url = "{openai}"
[providers.openrouter]
kind = "openrouter"
secret = "provider/openrouter"
base_url = "{openai}"
[providers.azure]
kind = "azure"
secret = "provider/azure"
base_url = "{openai}"
api_version = "1"
[providers.bedrock]
kind = "bedrock"
regions = ["eu-central-1"]
base_url = "{openai}"
[providers.house]
kind = "compatible"
base_url = "{openai}"
[prices."house/tiny"]
input = 0
output = 0
"""
FIRST_CALL = """
import json, sys
from backstay import llm
from backstay.llm import api_keys
api_keys.read_secret = lambda name: "key"
try:
    llm.complete("Hello", routes=[sys.argv[1], *sys.argv[2:]])
except llm.LLMError as error:
    print(error, file=sys.stderr)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize(
    ("route", "sdks"),
    [
        ("anthropic/claude-haiku-5-5", {"anthropic"}),
        ("openai/gpt-5.6-luna", {"openai"}),
        ("openrouter/openai/gpt-5.6-luna", {"openai"}),
        ("azure/gpt-5.6-luna", {"openai"}),
        ("bedrock/global.anthropic.claude-haiku-5-5", set()),
        ("house/tiny", {"openai"}),
    ],
)
def test_after_the_first_call_only_the_sdk_of_its_route_is_imported(
    route: str, sdks: set[str], tmp_path: Path, llmock: LLMock
) -> None:
    config = tmp_path / "backstay.toml"
    config.write_text(TOML.format(anthropic=llmock.base_url("anthropic"), openai=llmock.base_url("openai")))
    others = ["anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna"]
    alone = route.startswith(("azure/", "bedrock/"))  # the server does not speak these, and others would be asked
    ran = subprocess.run(
        [sys.executable, "-c", FIRST_CALL, route, *([] if alone else others)],
        capture_output=True,
        check=True,
        env={
            **os.environ,
            "BACKSTAY_CONFIG": str(config),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )
    assert SDKS & set(json.loads(ran.stdout)) == sdks
    assert alone == bool(ran.stderr), ran.stderr.decode()
