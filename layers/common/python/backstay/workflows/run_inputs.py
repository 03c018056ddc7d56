"""What runs were started with: kept once, beside the run or in S3, and read by the steps that refer to it."""

import json
from datetime import datetime
from typing import Any

from backstay import aws
from backstay.clock import epoch_ms
from backstay.dynamodb import decode_item, encode_item
from backstay.jobs import keys
from backstay.jobs.payloads import ITEM_BYTES, MissingPayloadError, PayloadBucket, pack, unpack
from backstay.settings import Environment

INPUT_PART = "input"


class RunInputs:
    """Writes and reads them."""

    def __init__(self, env: Environment) -> None:
        self._table, self._bucket = env.workflows_table, PayloadBucket(env.payloads_bucket)

    def put(self, run_id: str, text: str, digest: str, expires_at: datetime) -> None:
        """Keep a run's input, JSON text. Harmless when repeated. As `item`."""
        item = self.item(run_id, text, digest, expires_at)
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))

    def item(self, run_id: str, text: str, digest: str, expires_at: datetime) -> dict[str, Any]:
        """The item that keeps a run's input; a large input is in S3 by then, and the item says where.

        Args:
            run_id: whose.
            text: the input.
            digest: its hash; a key in S3 is never used for another text.
            expires_at: when the run's record goes.
        """
        is_small = len(text.encode()) <= ITEM_BYTES
        s3_key = None if is_small else f"inputs/{keys.tenant_of(run_id)}/{run_id}/{digest}"
        if s3_key:
            self._bucket.put(s3_key, text)
        return {
            "id": run_id,
            "part": INPUT_PART,
            "digest": digest,
            "body": pack(text) if is_small else None,
            "s3": s3_key,
            "ttl": epoch_ms(expires_at) // 1000,
        }

    def get(self, run_id: str) -> Any:
        """A run's input.

        Raises:
            MissingPayloadError: it is past its retention.
        """
        key = encode_item({"id": run_id, "part": INPUT_PART})
        answer = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            raise MissingPayloadError(f"the input of run {run_id} is past its retention")
        item = decode_item(answer["Item"])
        return json.loads(unpack(item["body"]) if "body" in item else self._bucket.get(item["s3"]))
