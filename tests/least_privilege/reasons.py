"""Why roles allow what no call was seen to need: who, which actions, on what, and the reason.

Either AWS does it in a function's name, or no test on the embedded cloud comes that way; then the reason names one that
does, over moto.
"""

_DELETES = "deleting a tenant's data: tests/integration/operations/test_delete_tenant.py"
_LATER = "a job that waits for longer than SQS delays is a schedule: tests/integration/jobs/test_submit.py"
_POLLS = "Lambda itself takes messages and records in the function's name, before it is called"
_PAUSES = "a task is paused and resumed: tests/integration/api/test_operation_routes.py"
_BURIES = "Lambda itself puts there what it can't bring to a function"

REASONS: tuple[tuple[str, str, str, str], ...] = (
    ("*", "kms:*", "EncryptionKey*", "DynamoDB, S3 and SQS use the key in the name of whoever calls them"),
    ("*", "logs:CreateLogStream logs:PutLogEvents", "its log", "Lambda itself writes what a function prints"),
    ("*", "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl", "a task's queue", _POLLS),
    ("follow-*", "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator", "*.StreamArn", _POLLS),
    ("follow-*", "dynamodb:ListStreams", "[*]", _POLLS),
    ("*", "sqs:SendMessage sqs:GetQueueAttributes sqs:GetQueueUrl", "a task's dead letter queue", _BURIES),
    ("*", "iam:PassRole", "SchedulesRole*", "whoever makes a schedule hands over the role under which it sends"),
    ("*", "xray:PutTraceSegments", "[*]", "traces go to X-Ray where backstay.toml wants it: tests/unit/tracing"),
    ("a worker", "dynamodb:BatchWriteItem", "Storage*", _DELETES),
    ("a worker", "dynamodb:PutItem dynamodb:DeleteItem", "StorageKeys*", _DELETES),
    ("a worker", "s3:DeleteObject", "StoragePayloads*", _DELETES),
    ("a worker", "scheduler:DeleteSchedule secretsmanager:DeleteSecret", "*", _DELETES),
    ("*", "scheduler:CreateSchedule", "*", _LATER),
    ("api", "lambda:GetEventSourceMapping lambda:UpdateEventSourceMapping", "*", _PAUSES),
    (
        "*",
        "dynamodb:Query",
        "*/index/by_budget",
        "jobs that wait for money: tests/integration/operations/test_waking.py",
    ),
    (
        "a worker",
        "secretsmanager:GetSecretValue",
        "*/outbound/*",
        "secrets of hosts: tests/integration/test_call_http.py",
    ),
)
