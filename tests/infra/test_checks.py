"""What others check of the stack. cdk-nag runs with every synthesis, and a finding fails it."""

import subprocess
import sys
from pathlib import Path

from infra.packages import REPOSITORY
from tests.infra.template import Template


def test_cfn_lint_has_nothing_to_say(dev: Template, prod: Template, derived: Template) -> None:
    paths = (path for app in (dev, prod, derived) for path in app.paths())
    command = [Path(sys.executable).with_name("cfn-lint"), *paths]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")
