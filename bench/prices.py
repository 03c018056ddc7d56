"""AWS list prices in us-east-1, in US dollars, without free tiers, as of November 2026.

Each group names the official page. Those pages draw their numbers by script, so that they were read in copies of 2026:
airbyte.com (DynamoDB's units), cloudburn.io (SQS and fair queues), cloudchipr.com (Lambda), c3x.dev (alarms), signoz.io
(metrics), factualminds.com (logs, KMS), hivebook.wiki (Secrets Manager), AWS's whitepaper on private APIs (HTTP APIs).
DynamoDB's storage stands as it has for years; no copy was at hand.
"""

MILLION = 1_000_000
GB = 1_000_000_000
MONTH_S = 30 * 86_400

# https://aws.amazon.com/api-gateway/pricing/: HTTP APIs, first 300 million; a request is metered in 512 KB
HTTP_API_REQUEST = 1.00 / MILLION

# https://aws.amazon.com/lambda/pricing/: Arm, first tier; billed by the millisecond, init included since August 2025
LAMBDA_REQUEST = 0.20 / MILLION
LAMBDA_GB_SECOND = 0.0000133334
LAMBDA_MB_PER_CPU = 1769
"""At so much memory a function has one whole core (Lambda developer guide, "Configure memory")."""

# https://aws.amazon.com/sqs/pricing/: standard queues, first tier; metered in 64 KB, a batch is one request
SQS_REQUEST = 0.40 / MILLION
SQS_FAIR_REQUEST = 0.10 / MILLION
"""Added for messages that carry a message group, so that tenants share fairly."""
SQS_REQUEST_BYTES = 65_536

# https://aws.amazon.com/dynamodb/pricing/on-demand/: standard table class.
# Reads of a stream by Lambda and deletes by TTL are free.
DYNAMODB_WRITE_UNIT = 0.625 / MILLION
DYNAMODB_READ_UNIT = 0.125 / MILLION
DYNAMODB_GB_MONTH = 0.25

# https://aws.amazon.com/kms/pricing/
KMS_REQUEST = 0.03 / 10_000
KMS_KEY_MONTH = 1.00

# https://aws.amazon.com/secrets-manager/pricing/
SECRET_MONTH = 0.40
SECRET_READ = 0.05 / 10_000

# https://aws.amazon.com/cloudwatch/pricing/: ingestion; a log event counts 26 bytes more than its text
LOG_GB = 0.50
LOG_EVENT_BYTES = 26
METRIC_MONTH = 0.30
ALARM_MONTH = 0.10
DASHBOARD_MONTH, FREE_DASHBOARDS = 3.00, 3

# Lambda keeps five pollers on an SQS event source, and each waits 20 s in a long poll, all month
POLLS_OF_AN_IDLE_QUEUE = 5 * MONTH_S // 20
