"""Where the clouds of the tests do otherwise than AWS in what Backstay relies on, and what follows from it.

Each is pinned by the test that names it: an upgrade that mends or worsens one fails there.
"""

from tests.contract.clouds import ACCEPTED, MEMORY, MINISTACK, MOTO, Deviation

RESERVED_KEYS = (
    Deviation(MINISTACK, ACCEPTED, "a test reads our own key conditions for reserved words"),
    Deviation(MOTO, ACCEPTED, "a test reads our own key conditions for reserved words"),
)
INDEX_KEY_TYPES = (Deviation(MOTO, ACCEPTED, "nothing: our index keys are made by one function, as text"),)
TOKENS = (Deviation(MOTO, [ACCEPTED, ACCEPTED, "2"], "that repeated batches count once is tested on the emulator"),)
TOKENS_OF_OTHERS = (
    Deviation(MOTO, [ACCEPTED, ACCEPTED], "that repeated batches count once is tested on the emulator"),
)

LONG_DELAYS = (
    Deviation(MINISTACK, ACCEPTED, "jobs.queues itself sends through the Scheduler beyond 900 s; moto checks that"),
)
LONG_VISIBILITY = (Deviation(MINISTACK, ACCEPTED, "jobs.queues cuts what it asks for; moto would refuse too much"),)
VISIBILITY_IN_ALL = (
    Deviation(
        MINISTACK, ACCEPTED, "jobs.queues asks for less than 12 hours by as long as a worker may have had the message"
    ),
)
OLD_RECEIPTS = (
    Deviation(
        MINISTACK,
        ("ReceiptHandleIsInvalid", (0, 1, 0)),
        "on AWS a message acknowledged too late comes back without a word: a claim of what is over must do no harm",
    ),
    Deviation(MOTO, (ACCEPTED, (0, 0, 0)), "as for the emulator"),
)
SIZE_OF_ATTRIBUTES = (
    Deviation(MINISTACK, ACCEPTED, "a body that fills a message leaves a dead letter no room for its attributes"),
    Deviation(MOTO, ACCEPTED, "a body that fills a message leaves a dead letter no room for its attributes"),
)
CHARACTERS = (Deviation(MOTO, ACCEPTED, "jobs.message writes ASCII, which holds every text"),)

DEAD_LETTER_SOURCE = (Deviation(MOTO, False, "nothing: the sweeper knows a message that SQS moved by what it lacks"),)
MOVE_TASKS = (
    Deviation(
        MINISTACK,
        ("InvalidAction", None, {}, False),
        "the console's redrive is tested by sending a dead letter's body and attributes as a new message",
    ),
    Deviation(MOTO, ("NotImplementedError", None, {}, False), "as for the emulator"),
    Deviation(MEMORY, ("NotImplementedError", None, {}, False), "as for the emulator"),
)
MOST_DELIVERIES = (Deviation(MOTO, ACCEPTED, "nothing: cfn-lint and CloudFormation check the template's number"),)

SCHEDULE_NAMES = {
    "a" * 65: (
        Deviation(MINISTACK, ACCEPTED, "jobs.queues cuts names to 64"),
        Deviation(MOTO, ACCEPTED, "jobs.queues cuts names to 64"),
    ),
    "acme~job": (Deviation(MOTO, ACCEPTED, "job ids have letters, digits, hyphens and dots only"),),
    "acme@job": (
        Deviation(MINISTACK, ACCEPTED, "job ids have letters, digits, hyphens and dots only"),
        Deviation(MOTO, ACCEPTED, "job ids have letters, digits, hyphens and dots only"),
    ),
}
SCHEDULES_IN_THE_PAST = (
    Deviation(MINISTACK, ACCEPTED, "nothing: what is due within 15 minutes never becomes a schedule"),
    Deviation(MOTO, ACCEPTED, "nothing: what is due within 15 minutes never becomes a schedule"),
)
UNKNOWN_SCHEDULE_GROUPS = (Deviation(MOTO, "KeyError", "nothing: the stack makes the group"),)

PAUSING_AT_ONCE = (
    Deviation(MINISTACK, "Disabled", "on AWS pollers take up to a minute to stop; `make aws-check` measures it"),
)
BATCH_WINDOW = (Deviation(MINISTACK, False, "how full batches are is no figure to measure on the emulator"),)
SHORT_VISIBILITY = (
    Deviation(MINISTACK, ACCEPTED, "tests of the template compare each queue's visibility with its function's timeout"),
)
SECOND_MAPPINGS = (
    Deviation(MINISTACK, [ACCEPTED, ACCEPTED], "nothing: only CloudFormation makes mappings, one a queue"),
)
STREAM_RETRIES = (
    Deviation(MINISTACK, (True, 0), "a batch that follow_changes can't take blocks the emulator's counters for good"),
)
STREAM_PARTIAL_BATCHES = (
    Deviation(
        MINISTACK, [3], "what follow_changes reports as not counted is lost on the emulator; it must raise instead"
    ),
)

CLOSED_TOKENS = (
    Deviation(MINISTACK, "TaskDoesNotExist", "jobs.task_tokens takes either to mean that nobody waits any more"),
)
STOPPED_TOKENS = (Deviation(MINISTACK, ACCEPTED, "nothing: what an execution hears that was stopped is lost on both"),)
STRANGE_TOKENS = (
    Deviation(MINISTACK, "TaskDoesNotExist", "jobs.task_tokens takes either to mean that nobody waits any more"),
)
SILENCE = (Deviation(MINISTACK, "States.Timeout", "nothing: a step's silence is counted by its worker, while it runs"),)

NUMBERS_AS_TRUTH = (
    Deviation(MINISTACK, 1, "nothing: saga_check refuses a condition whose value is of another kind than the fact"),
)
NAMES_TAKEN = (
    Deviation(
        MINISTACK,
        ("ExecutionAlreadyExists",) * 3,
        "who starts a run's execution takes ExecutionAlreadyExists to mean that it was started",
    ),
)
