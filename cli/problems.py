"""What can go wrong for someone at a terminal: one line of cause, one line of remedy, one exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command's exit code tells a script."""

    OK = 0
    FAILED = 1
    """The work was tried and failed: a job, a deployment, an answer that the API shouldn't have given."""
    USAGE = 2
    """The command line or an input file is wrong; nothing was sent."""
    NOT_REACHABLE = 3
    """No cloud is running, or it does not answer."""
    REFUSED = 4
    """The API key is missing, unknown, or may not do this."""
    NOT_FOUND = 5
    """There is no such job, task or key."""
    CONFLICT = 6
    """The idempotency key was used with another input, or the job's state does not allow this."""
    INTERRUPTED = 130
    """Ctrl-C."""


EXIT_CODES = (
    "Exit codes: 0 done; 1 tried and failed; 2 wrong usage or input; 3 no cloud is running or it does not answer; "
    "4 API key missing or not allowed; 5 not found; 6 conflict with what is stored; 130 interrupted."
)


class Problem(Exception):  # noqa: N818 - what a user meets, not a fault of the program
    """Ends the command. `cause` says what was wrong, `remedy` what to do about it."""

    def __init__(self, cause: str, remedy: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(cause)
        self.cause, self.remedy, self.code = cause, remedy, code
