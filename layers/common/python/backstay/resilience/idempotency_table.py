"""Keys and results in the idempotency table, by Powertools' persistence layer and in its layout.

What is ours: a run that lost its lease can neither finish nor forget what its successor does. Powertools writes on
whatever stands there (aws-powertools/powertools-lambda-python #8049). A module apart, since it brings boto3 along.
"""

import time
from typing import Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyItemAlreadyExistsError
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS, DataRecord

from backstay import aws
from backstay.resilience.idempotency import KEPT_S, Begun, Busy, Finished

_IN_PROGRESS, _COMPLETED = STATUS_CONSTANTS["INPROGRESS"], STATUS_CONSTANTS["COMPLETED"]


class TableStore(DynamoDBPersistenceLayer):
    """A `Store` in DynamoDB.

    Args:
        table: the idempotency table.
    """

    def __init__(self, table: str) -> None:
        super().__init__(table, expiry_attr="ttl", boto3_client=aws.dynamodb())

    def begin(self, key: str, lease_ms: int) -> Begun | Busy | Finished:
        """Take the key; one conditional write, which passes for a new key and for one whose lease or time is over."""
        record = DataRecord(key, _IN_PROGRESS, int(time.time()) + KEPT_S, lease_ms)
        try:
            self._put_record(record)
        except IdempotencyItemAlreadyExistsError as exists:
            return self._found(exists.old_data_record, lease_ms)
        return Begun(lease_ms)

    def finish(self, key: str, begun: Begun, result: str, kept_s: int) -> bool:
        """Keep the result."""
        held = self._held(begun)
        held["ExpressionAttributeNames"] |= {"#data": self.data_attr, "#ttl": self.expiry_attr}
        held["ExpressionAttributeValues"] |= {
            ":data": {"S": result}, ":ttl": {"N": str(int(time.time()) + kept_s)}, ":completed": {"S": _COMPLETED}
        }  # fmt: skip
        try:
            self.client.update_item(
                TableName=self.table_name,
                Key=self._get_key(key),
                UpdateExpression="SET #data = :data, #ttl = :ttl, #status = :completed",
                **held,
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def forget(self, key: str, begun: Begun) -> None:
        """Let the key go."""
        try:
            self.client.delete_item(TableName=self.table_name, Key=self._get_key(key), **self._held(begun))
        except self.client.exceptions.ConditionalCheckFailedException:
            return  # it is another run's by now

    def _held(self, begun: Begun) -> dict[str, Any]:
        """The condition that the lease is still ours. No two leases of a key end at the same millisecond: one is only
        taken over once it has ended."""
        return {
            "ConditionExpression": "#status = :running AND #lease = :lease",
            "ExpressionAttributeNames": {"#status": self.status_attr, "#lease": self.in_progress_expiry_attr},
            "ExpressionAttributeValues": {":running": {"S": _IN_PROGRESS}, ":lease": {"N": str(begun.lease_ms)}},
        }

    def _found(self, record: DataRecord | None, lease_ms: int) -> Busy | Finished:
        if record is None:
            raise AssertionError("DynamoDB tells what stands in the way (ReturnValuesOnConditionCheckFailure)")
        if record.status == _COMPLETED:
            return Finished(record.response_data)
        until_ms = record.in_progress_expiry_timestamp
        return Busy(lease_ms if until_ms is None else int(until_ms))
