"""What importing costs, in modules."""

import json
import subprocess
import sys

import pytest

HEAVY = ("anthropic", "openai", "genai_prices", "httpx2", "botocore", "boto3", "aws_lambda_powertools")


@pytest.mark.parametrize("module", ["backstay.llm", "backstay.task", "backstay.config"])
def test_importing_loads_no_sdk_and_no_client(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert not set(HEAVY) & set(loaded)


def test_pydantic_is_not_needed_to_import_calls() -> None:
    script = "import sys, backstay.llm; print('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False\n"
