"""What the stack keeps: jobs, content, API keys, and payloads too large for a table."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from backstay.config import JobsSettings
from infra.encryption import Encryption
from infra.permissions import acknowledge, let, let_any
from infra.stage import Stage

_LONGEST_WAIT_DAYS = 366 + 1  # a job's day may be a year off, and then it may wait a day for the world (spec: jobs)
_SLACK_DAYS = 2  # a record's TTL may be acted upon two days late; its payload must not go first

_READ_ITEMS = ("dynamodb:BatchGetItem", "dynamodb:GetItem")
_WRITE = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")


@dataclass(frozen=True, slots=True)
class StorageProps:
    """What storage is made for."""

    stage: Stage
    encryption: Encryption
    keep: JobsSettings
    """How long jobs are kept; their payloads stay as long."""


class Storage(Construct):
    """Tables and bucket, and what roles may be let do with them. The key is granted apart, by `Encryption.let_use`."""

    def __init__(self, scope: Construct, id: str, props: StorageProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        self._props = props
        self.tables: list[dynamodb.ITable] = []
        self.jobs = self._table("Jobs", "id", "part", dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)
        _index(self.jobs, "by_state", "state_key", "state_at", dynamodb.ProjectionType.KEYS_ONLY)
        _index(self.jobs, "by_tenant", "tenant_key", "created_at", dynamodb.ProjectionType.KEYS_ONLY)
        _index(self.jobs, "by_budget", "budget_key", "state_at", dynamodb.ProjectionType.KEYS_ONLY)
        self.content = self._table("Content", "id", "part")
        self.keys = self._table("Keys", "key_hash")
        _index(self.keys, "by_list", "list", "created_at", dynamodb.ProjectionType.ALL)
        self.cache = self._table("Cache", "key")
        self.guards = self._table("Guards", "id", stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)
        _index(self.guards, "by_list", "list", "listed_at", dynamodb.ProjectionType.KEYS_ONLY)
        self.idempotency = self._table("Idempotency", "id")  # Powertools' layout, but for the name of the TTL
        self.chats = self._table("Chats", "id", "part")
        self.workflows = self._table("Workflows", "id", "part")
        _index(self.workflows, "by_state", "state_key", "state_at", dynamodb.ProjectionType.KEYS_ONLY)
        _index(self.workflows, "by_tenant", "tenant_key", "created_at", dynamodb.ProjectionType.KEYS_ONLY)
        self.alerts = self._table("Alerts", "id")
        _index(self.alerts, "by_list", "list", "listed_at", dynamodb.ProjectionType.ALL)
        _index(self.alerts, "by_duty", "duty", "duty_at", dynamodb.ProjectionType.ALL)
        self.connections = self._table("Connections", "id")
        _index(self.connections, "by_list", "list", "opened_at", dynamodb.ProjectionType.ALL)
        self.payloads = self._bucket()

    def let_work_on_jobs(self, role: iam.Role) -> None:
        """Read and write jobs by key."""
        let(role, (*_READ_ITEMS, "dynamodb:Query", *_WRITE), self.jobs.table_arn)

    def let_search_jobs(self, role: iam.Role) -> None:
        """Find jobs by state, by tenant, and by the budget that they wait for."""
        indexes = (f"{self.jobs.table_arn}/index/{name}" for name in ("by_state", "by_tenant", "by_budget"))
        let(role, ("dynamodb:Query",), *indexes)

    def let_work_on_content(self, role: iam.Role) -> None:
        """Read and write stories and what sagas make."""
        self.let_keep_stories(role)
        actions = ("dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:Query")
        let(role, actions, self.content.table_arn)

    def let_keep_stories(self, role: iam.Role) -> None:
        """Read and write stories by key."""
        let(role, ("dynamodb:GetItem", "dynamodb:PutItem"), self.content.table_arn)

    def let_cache(self, role: iam.Role) -> None:
        """Look up answers of models, keep them, and hold what is being asked."""
        actions = ("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:DeleteItem")
        let(role, actions, self.cache.table_arn)

    def let_drop_answers(self, role: iam.Role) -> None:
        """Forget answers of models."""
        let(role, ("dynamodb:DeleteItem",), self.cache.table_arn)

    def let_guard(self, role: iam.Role) -> None:
        """Read and change what stands before calls: breakers, rates, and what is known of providers."""
        let(role, (*_READ_ITEMS, "dynamodb:PutItem", "dynamodb:UpdateItem"), self.guards.table_arn)

    def let_read_budgets(self, role: iam.Role) -> None:
        """See what is left of budgets."""
        let(role, _READ_ITEMS, self.guards.table_arn)

    def let_list_budgets(self, role: iam.Role) -> None:
        """Find budgets by kind. What is found is read and changed as guards do."""
        let(role, ("dynamodb:Query",), f"{self.guards.table_arn}/index/by_list")

    def let_settle_lapsed_leases(self, role: iam.Role) -> None:
        """Find what processes that died hold of budgets. What is found is changed as guards change it."""
        let(role, ("dynamodb:Query",), f"{self.guards.table_arn}/index/by_list")

    def let_run_once(self, role: iam.Role) -> None:
        """Take the keys of operations that run once, and keep their results."""
        actions = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        let(role, actions, self.idempotency.table_arn)

    def let_chat(self, role: iam.Role) -> None:
        """Read bots and conversations, and write them."""
        let(role, ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"), self.chats.table_arn)

    def let_erase_chats(self, role: iam.Role) -> None:
        """Find and delete bots and conversations."""
        let(role, ("dynamodb:BatchWriteItem", "dynamodb:Query"), self.chats.table_arn)

    def let_read_runs(self, role: iam.Role) -> None:
        """Look up what a run of a saga was started with, and what came for it."""
        let(role, _READ_ITEMS, self.workflows.table_arn)

    def let_work_on_runs(self, role: iam.Role) -> None:
        """Read and write runs, what they share and what they own."""
        actions = (*_READ_ITEMS, "dynamodb:Query", *_WRITE, "dynamodb:ConditionCheckItem")
        let(role, actions, self.workflows.table_arn)

    def let_search_runs(self, role: iam.Role) -> None:
        """Find runs by saga and state, and by tenant."""
        indexes = (f"{self.workflows.table_arn}/index/{name}" for name in ("by_state", "by_tenant"))
        let(role, ("dynamodb:Query",), *indexes)

    def let_work_on_alerts(self, role: iam.Role) -> None:
        """Open, change and list alerts, and what mutes them."""
        let(role, ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), self.alerts.table_arn)
        indexes = (f"{self.alerts.table_arn}/index/{name}" for name in ("by_list", "by_duty"))
        let(role, ("dynamodb:Query",), *indexes)

    def let_look_at_alerts(self, role: iam.Role) -> None:
        """Read alerts by key."""
        let(role, ("dynamodb:GetItem",), self.alerts.table_arn)

    def let_tell_of_alerts(self, role: iam.Role) -> None:
        """Read alerts and what mutes them, and put on record what became of messages."""
        let(role, ("dynamodb:GetItem", "dynamodb:UpdateItem"), self.alerts.table_arn)
        let(role, ("dynamodb:Query",), f"{self.alerts.table_arn}/index/by_list")

    def let_issue_tickets(self, role: iam.Role) -> None:
        """Write what opens a socket."""
        let(role, ("dynamodb:PutItem",), self.connections.table_arn)

    def let_see_who_watches(self, role: iam.Role) -> None:
        """List open sockets."""
        let(role, ("dynamodb:Query",), f"{self.connections.table_arn}/index/by_list")

    def let_keep_connections(self, role: iam.Role) -> None:
        """Take tickets, and keep the list of open sockets."""
        let(role, ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), self.connections.table_arn)
        self.let_see_who_watches(role)

    def let_check_keys(self, role: iam.Role) -> None:
        """Look up an API key by its hash."""
        let(role, ("dynamodb:GetItem",), self.keys.table_arn)

    def let_revoke_keys(self, role: iam.Role) -> None:
        """List API keys, and end them."""
        let(role, ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"), self.keys.table_arn)
        let(role, ("dynamodb:Query",), f"{self.keys.table_arn}/index/by_list")

    def let_keep_payloads(self, role: iam.Role) -> None:
        """Read and write payloads. Listing is what makes S3 answer 404 instead of 403 for one that is gone."""
        self._let_objects(role, "s3:GetObject", "s3:PutObject")

    def let_erase_payloads(self, role: iam.Role) -> None:
        """Find and delete payloads."""
        self._let_objects(role, "s3:DeleteObject")

    def _let_objects(self, role: iam.Role, *actions: str) -> None:
        let(role, ("s3:ListBucket",), self.payloads.bucket_arn)
        let_any(role, actions, self.payloads.arn_for_objects("*"), "an object for every large input and result")

    def _table(
        self, id: str, partition: str, sort: str | None = None, stream: dynamodb.StreamViewType | None = None  # noqa: A002
    ) -> dynamodb.Table:  # fmt: skip
        stage = self._props.stage
        table = dynamodb.Table(
            self,
            id,
            partition_key=_text(partition),
            sort_key=_text(sort) if sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self._props.encryption.key,
            time_to_live_attribute="ttl",
            stream=stream,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=stage.is_protected
            ),
            deletion_protection=stage.is_protected,
            removal_policy=stage.removal,
        )
        if not stage.is_protected:
            acknowledge(table, "DDB3", f"stage {stage.name} holds nothing that has to be restored")
        self.tables.append(table)
        return table

    def _bucket(self) -> s3.Bucket:
        keep = self._props.keep
        failed_days = max(keep.keep_failed_days, keep.keep_completed_days)
        bucket = s3.Bucket(
            self,
            "Payloads",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._props.encryption.key,
            bucket_key_enabled=True,  # one call to KMS for many objects
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=self._props.stage.removal,
            lifecycle_rules=[
                _expire("uploads/", 1),  # copied when its job is submitted
                _expire("results/", keep.keep_completed_days + _SLACK_DAYS),
                _expire("steps/", keep.keep_steps_days + _SLACK_DAYS),
                _expire("inputs/", _LONGEST_WAIT_DAYS + failed_days + _SLACK_DAYS),
                s3.LifecycleRule(id="unfinished", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
        )
        acknowledge(bucket, "S1", "only this stack's roles and presigned links reach it; CloudTrail can log both")
        return bucket


def _index(table: dynamodb.Table, name: str, partition: str, sort: str, projection: dynamodb.ProjectionType) -> None:
    table.add_global_secondary_index(
        index_name=name, partition_key=_text(partition), sort_key=_text(sort), projection_type=projection
    )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _expire(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(id=prefix.rstrip("/"), prefix=prefix, expiration=Duration.days(days))
