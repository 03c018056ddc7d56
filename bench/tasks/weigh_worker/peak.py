"""How much memory a process has taken at most."""

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_BYTES = 1 if sys.platform == "darwin" else 1024
"""What `ru_maxrss` counts in."""


def peak_mb() -> float:
    """This process's largest resident set, in MB of 2^20 bytes; on Linux not that of whoever started it."""
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES / 2**20
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
