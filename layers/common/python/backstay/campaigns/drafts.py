"""A run's drafts, in the content table: made in one transaction, once, and not after they were taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.campaigns.content import GeneratedContent
from backstay.campaigns.listing import Listed
from backstay.clock import Clock, utc_now
from backstay.content import key_in_run
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import ErrorClass, Rejected, WorkError
from backstay.passing_trouble import passing_trouble
from backstay.workflows.resources import taking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

CLOSED_FOR = timedelta(days=30)
"""How long a run that was compensated takes no content: longer than any worker or message could lag behind."""

_CLOSED = "closed"
_MADE = "made#"
_DRAFT = "draft#"


@dataclass(frozen=True, slots=True)
class Made:
    """What one step of a run has made, and how it is listed."""

    step: str
    """The id of the step's job."""
    generated: GeneratedContent
    listed: Listed


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is of a run's content."""

    made: tuple[Made, ...]
    draft_ids: tuple[str, ...]


class DraftTable:
    """Drafts in DynamoDB.

    Its methods raise `WorkError` of class `unreachable` when DynamoDB does not answer, limits us, or is busy with
    another transaction on the same run.

    Args:
        content_table: where drafts stand.
        workflows_table: where the run's reservations stand.
        clock: UTC.
    """

    def __init__(self, content_table: str, workflows_table: str, clock: Clock = utc_now) -> None:
        self._content, self._workflows, self._clock = content_table, workflows_table, clock

    def made(self, tenant: str, run_id: str, step: str) -> GeneratedContent | None:
        """What a step has made already, or None."""
        with passing_trouble("the content table"):
            key = encode_item(key_in_run(tenant, run_id, f"{_MADE}{step}"))
            answer = aws.dynamodb().get_item(TableName=self._content, Key=key, ConsistentRead=True)
        return _made(decode_item(answer["Item"])).generated if "Item" in answer else None

    def keep(self, tenant: str, made: Made) -> GeneratedContent:
        """Keep drafts, their place in the list and their reservations, all or nothing.

        Returns:
            What is kept: where another attempt of the step was first, what that one has made.

        Raises:
            Rejected: the run was compensated; it takes no more content.
        """
        client = aws.dynamodb()
        try:
            with passing_trouble("the content table"):
                client.transact_write_items(TransactItems=self._keeping(tenant, made))
        except client.exceptions.TransactionCanceledException as error:
            return self._not_kept(
                tenant, made, [reason.get("Code") for reason in error.response["CancellationReasons"]]
            )
        return made.generated

    def close(self, tenant: str, run_id: str) -> None:
        """Let a run take no more content: a worker that lags behind can't add any once it is taken back."""
        until = int((self._clock() + CLOSED_FOR).timestamp())
        with passing_trouble("the content table"):
            item = encode_item({**key_in_run(tenant, run_id, _CLOSED), "ttl": until})
            aws.dynamodb().put_item(TableName=self._content, Item=item)

    def of_run(self, tenant: str, run_id: str) -> Kept:
        """All that a run's steps have made, read consistently."""
        made = tuple(map(_made, self._items(tenant, run_id, _MADE)))
        drafts = self._items(tenant, run_id, _DRAFT)
        return Kept(made, tuple(draft["content_id"] for draft in drafts))

    def delete_draft(self, tenant: str, run_id: str, content_id: str) -> None:
        """Delete a draft; one that is gone is left at that."""
        self._delete(key_in_run(tenant, run_id, f"{_DRAFT}{content_id}"))

    def delete_made(self, tenant: str, made: Made) -> None:
        """Forget what a step has made, once all of it is taken back."""
        self._delete(made.listed.key(tenant))
        self._delete(key_in_run(tenant, made.generated.run_id, f"{_MADE}{made.step}"))

    def _keeping(self, tenant: str, made: Made) -> "list[TransactWriteItemTypeDef]":
        generated = made.generated
        run = (tenant, generated.run_id)
        listed = made.listed.model_dump_json()
        account = {"step": made.step, "generated": generated.model_dump_json(), "listed": listed}
        absent = "attribute_not_exists(id)"
        return [
            {
                "ConditionCheck": {
                    "TableName": self._content,
                    "Key": encode_item(key_in_run(*run, _CLOSED)),
                    "ConditionExpression": absent,
                }
            },
            self._put({**key_in_run(*run, f"{_MADE}{made.step}"), **account}, ConditionExpression=absent),
            self._put({**made.listed.key(tenant), "listed": listed}),
            *(
                self._put(
                    {
                        **key_in_run(*run, f"{_DRAFT}{piece.content_id}"),
                        "content_id": piece.content_id,
                        "state": "draft",
                        "body": piece.model_dump(mode="json"),
                    }
                )
                for piece in generated.content.pieces()
            ),
            *taking(self._workflows, generated.run_id, generated.resources),
        ]

    def _put(self, item: Mapping[str, Any], **condition: str) -> "TransactWriteItemTypeDef":
        return {"Put": {"TableName": self._content, "Item": encode_item(item), **condition}}  # type: ignore[typeddict-item]

    def _not_kept(self, tenant: str, made: Made, reasons: list[str | None]) -> GeneratedContent:
        run_id = made.generated.run_id
        closed, there, *_ = (reason == "ConditionalCheckFailed" for reason in reasons)
        if closed:
            raise Rejected(f"run {run_id} was compensated; it takes no more content")
        if there and (earlier := self.made(tenant, run_id, made.step)):
            return earlier
        raise WorkError(ErrorClass.UNREACHABLE, f"the content of run {run_id} is being changed: {reasons}")

    def _items(self, tenant: str, run_id: str, prefix: str) -> list[dict[str, Any]]:
        key = key_in_run(tenant, run_id, prefix)
        with passing_trouble("the content table"):
            pages = (
                aws.dynamodb()
                .get_paginator("query")
                .paginate(
                    TableName=self._content,
                    KeyConditionExpression="id = :id AND begins_with(part, :prefix)",
                    ExpressionAttributeValues=encode_item({":id": key["id"], ":prefix": key["part"]}),
                    ConsistentRead=True,
                )
            )
            return [decode_item(item) for page in pages for item in page["Items"]]

    def _delete(self, key: Mapping[str, str]) -> None:
        with passing_trouble("the content table"):
            aws.dynamodb().delete_item(TableName=self._content, Key=encode_item(key))


def _made(item: Mapping[str, Any]) -> Made:
    return Made(
        step=item["step"],
        generated=GeneratedContent.model_validate_json(item["generated"]),
        listed=Listed.model_validate_json(item["listed"]),
    )
