"""Runs as every Lambda of the embedded cloud starts: takes away what a Lambda on AWS wouldn't have.

The emulator starts functions in its own interpreter, whose environment holds every package of this repository. A
function whose layer lacks one would work here and fail on AWS; so of all the installed packages only what Lambda's
Python runtime provides stays in sight.
"""

import os
import sys
import sysconfig

if "_LAMBDA_FUNCTION_ARN" in os.environ and "BACKSTAY_LAMBDA_RUNTIME" in os.environ:
    standard_library = sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
    sys.path[:] = [
        entry
        for entry in sys.path
        if entry.endswith(".zip")
        or (entry.startswith(standard_library) and not entry.endswith(("site-packages", "dist-packages")))
    ]
    sys.path.append(os.environ["BACKSTAY_LAMBDA_RUNTIME"])
