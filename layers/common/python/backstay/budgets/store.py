"""The ledger's items in the guards table: budgets, leases, what is uncertain. Reads, and one transaction a write."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from backstay import aws
from backstay.budgets import items, uncertain
from backstay.budgets import lease as leases
from backstay.budgets.budget import Budget, Limit
from backstay.budgets.entry import Entry
from backstay.budgets.lease import Lease
from backstay.budgets.periods import Periods, Window
from backstay.budgets.uncertain import Uncertain
from backstay.clock import iso
from backstay.errors import BackstayError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEX = "by_list"
_BATCH = 100
_OVERTAKEN = "ConditionalCheckFailed"
_NOT_DONE = {
    "TransactionConflict",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
}
_MAYBE_DONE = {"InternalServerError", "ServiceUnavailable", "TransactionInProgressException", "500", "503"}


class Refused(BackstayError):  # noqa: N818 - no fault: the decision is the caller's
    """Budgets have too little left, have turned, or are not there yet; nothing was written."""

    def __init__(self, known: Mapping[str, Budget], missing: tuple[str, ...]) -> None:
        super().__init__("budgets stand in the way")
        self.known, self.missing = known, missing


class Contended(BackstayError):  # noqa: N818 - no fault: others write at the same moment
    """Nothing was written; the same may be tried again a little later."""


class LeaseLost(BackstayError):  # noqa: N818 - no fault of this process's
    """Nothing was written: the lease is not as its process left it. `now` is how it stands."""

    def __init__(self, now: Lease | None) -> None:
        super().__init__("the lease was settled by the sweep")
        self.now = now


class InDoubt(BackstayError):  # noqa: N818 - a state of the world
    """No answer came: it may have been written, and may yet be."""


@dataclass(frozen=True, slots=True)
class Write:
    """One transaction, whole."""

    entry: Entry
    lease: Lease
    """As it is to stand."""
    periods: Periods
    at: datetime
    cushion: Mapping[str, Decimal] = field(default_factory=dict)
    """What must be left beyond what is needed, by scope."""
    also: Sequence[Mapping[str, Any]] = ()
    """Further items of the transaction, as DynamoDB takes them."""
    token: str | None = None
    """Tells the request from all others; by default the lease's writer does."""


class LedgerStore:
    """Reads and writes the ledger of one stage."""

    def __init__(self, table: str) -> None:
        self._table = table

    def read(self, scopes: list[str]) -> dict[str, Budget]:
        """The budgets of those scopes that have one."""
        found = self._read_items([items.budget_id(scope) for scope in scopes])
        return {budget.scope: budget for budget in map(items.from_item, found)}

    def scopes(self, kind: str, after: str, most: int) -> list[str]:
        """Scopes of a kind that have a budget, by name, from behind one of them."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=INDEX,
            KeyConditionExpression="#list = :list AND listed_at > :after",
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues={":list": {"S": items.list_of(kind)}, ":after": {"S": after or " "}},
            Limit=most,
        )
        return [items.scope_of(item["id"]["S"]) for item in answer["Items"]]

    def create(self, budget: Budget) -> None:
        """Write a scope's first budget, unless there is one."""
        self._unless_overtaken(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=items.to_item(budget),
                ConditionExpression="attribute_not_exists(id)",
            )
        )

    def turn(self, seen: Budget, periods: Periods) -> None:
        """Begin the windows anew that have turned, unless somebody else has."""
        self._update(seen.scope, items.turn(seen, periods))

    def turn_stale(self, seen: Mapping[str, Budget], periods: Periods) -> bool:
        """Turn those that have to; False where none had."""
        stale = [budget for budget in seen.values() if budget.is_stale(periods)]
        for budget in stale:
            self.turn(budget, periods)
        return bool(stale)

    def set_limit(self, seen: Budget, window: Window, to: Limit | None, *, by_hand: bool) -> bool:
        """Change a limit; False where somebody else has changed it since it was seen."""
        return self._update(seen.scope, items.limit(seen, window, to, by_hand=by_hand))

    def lease(self, an_id: str) -> Lease | None:
        """A process's lease."""
        key = {"id": {"S": leases.lease_id(an_id)}}
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return leases.from_item(item) if item else None

    def lapsed(self, shard: int, now: datetime, most: int) -> list[Lease]:
        """Leases that had lapsed by then, the oldest first."""
        found = self._listed(f"leases#{shard}", most, until=iso(now))
        return [leases.from_item(item) for item in found]

    def uncertain(self, most: int) -> list[Uncertain]:
        """What was settled as uncertain, the newest first."""
        return [uncertain.from_item(item) for item in self._listed(uncertain.LIST, most)]

    def write(self, write: Write) -> None:
        """Do all of it, or nothing.

        Raises:
            Refused: budgets stand in the way.
            Contended: others write at the same moment.
            LeaseLost: the lease is not as its process left it.
            InDoubt: no answer came.
        """
        scopes = list(write.entry.scopes)
        actions: list[Any] = [self._lease_action(write.lease), *self._budget_actions(write, scopes)]
        if held := write.entry.uncertain:
            listed = Uncertain(write.lease.id, write.lease.version, write.at, held)
            actions.append({"Put": {"TableName": self._table, "Item": uncertain.to_item(listed)}})
        actions += write.also
        token = write.token or write.lease.writer
        try:
            self._client.transact_write_items(TransactItems=actions, ClientRequestToken=token)
        except ClientError as error:
            _explain(error, write.lease, scopes)
        except BotoCoreError as error:
            raise InDoubt(str(error)) from error

    def _lease_action(self, lease: Lease) -> Any:
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": leases.to_item(lease),
            "ConditionExpression": "attribute_not_exists(id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if lease.version > 1:
            put["ConditionExpression"] = "version = :seen"
            put["ExpressionAttributeValues"] = {":seen": {"N": str(lease.version - 1)}}
        return {"Put": put}

    def _budget_actions(self, write: Write, scopes: list[str]) -> Iterator[Any]:
        postings, needed = write.entry.postings, write.entry.needed
        for scope in scopes:
            least = needed[scope] + write.cushion.get(scope, 0) if scope in needed else None
            yield {"Update": self._on(scope, items.post(postings[scope], write.periods, least))}

    def _on(self, scope: str, request: items.Request) -> items.Request:
        key = {"id": {"S": items.budget_id(scope)}}
        return {"TableName": self._table, "Key": key, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **request}

    def _update(self, scope: str, request: items.Request) -> bool:
        return self._unless_overtaken(lambda: self._client.update_item(**self._on(scope, request)))

    def _unless_overtaken(self, write: Any) -> bool:
        try:
            write()
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _listed(self, a_list: str, most: int, until: str | None = None) -> list[Mapping[str, Any]]:
        condition, values = "#list = :list", {":list": {"S": a_list}}
        if until is not None:
            condition, values = f"{condition} AND listed_at <= :until", {**values, ":until": {"S": until}}
        answer = self._client.query(
            TableName=self._table,
            IndexName=INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues=values,
            ScanIndexForward=until is not None,
            Limit=most,
        )
        ids = [item["id"]["S"] for item in answer["Items"]]
        found = {item["id"]["S"]: item for item in self._read_items(ids)}
        return [found[an_id] for an_id in ids if an_id in found and "list" in found[an_id]]

    def _read_items(self, ids: list[str]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for start in range(0, len(ids), _BATCH):
            keys = [{"id": {"S": an_id}} for an_id in ids[start : start + _BATCH]]
            wanted: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
            while wanted:
                answer = self._client.batch_get_item(RequestItems=wanted)
                found += answer["Responses"].get(self._table, [])
                wanted = answer["UnprocessedKeys"]
        return found

    @property
    def _client(self) -> "DynamoDBClient":
        return aws.dynamodb_for_guards()


def _explain(error: ClientError, lease: Lease, scopes: list[str]) -> None:
    """Return where it was written all the same, else raise what follows from it."""
    code = error.response["Error"]["Code"]
    if code in _MAYBE_DONE:
        raise InDoubt(str(error)) from error
    if code in _NOT_DONE:
        raise Contended(str(error)) from error
    if code != "TransactionCanceledException":
        raise error
    ours, *theirs = error.response["CancellationReasons"]
    if ours["Code"] == _OVERTAKEN:
        stands = leases.from_item(ours["Item"]) if ours.get("Item") else None
        if stands and stands.writer == lease.writer:
            return  # botocore asked twice: the first answer was lost, and this is about the second
        raise LeaseLost(stands) from None
    refusing = [(scope, reason) for scope, reason in zip(scopes, theirs, strict=False) if reason["Code"] == _OVERTAKEN]
    if not refusing and any(reason["Code"] in _NOT_DONE for reason in (ours, *theirs)):
        raise Contended(str(error)) from error
    if not refusing:
        raise error
    known = [items.from_item(reason["Item"]) for _, reason in refusing if reason.get("Item")]
    missing = tuple(scope for scope, reason in refusing if not reason.get("Item"))
    raise Refused({budget.scope: budget for budget in known}, missing) from None
