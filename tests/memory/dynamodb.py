"""DynamoDB: tables, indexes, conditions, transactions; answers as the client does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.memory.expressions import (
    InvalidExpressionError,
    Item,
    Names,
    Values,
    condition_of,
    update_of,
)
from tests.memory.refusals import exceptions_of, refusal

Key = tuple[str, ...]
Watcher = Callable[[str, Item | None, Item | None], None]
"""Told of every change: the table, the item as it was, and as it is."""

_MOST_BYTES = 400 * 1024
_MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index."""

    key: str
    sort: str
    keys_only: bool


@dataclass(slots=True)
class Table:
    """One table."""

    name: str
    keys: tuple[str, ...]
    indexes: Mapping[str, Index]
    items: dict[Key, Item] = field(default_factory=dict)

    def key_of(self, attributes: Mapping[str, Any]) -> Key:
        return tuple(attributes[name]["S"] for name in self.keys)


class DynamoDB:
    """Stands in for the client."""

    def __init__(self, watch: Watcher = lambda *_: None) -> None:
        self.tables: dict[str, Table] = {}
        self._tokens: dict[str, Any] = {}
        self._watch = watch
        self._lives: dict[str, Any] = {}

    @property
    def exceptions(self) -> Any:
        return exceptions_of("dynamodb")

    def create_table(
        self,
        *,
        TableName: str,
        KeySchema: Sequence[Mapping[str, str]],
        GlobalSecondaryIndexes: Sequence[Mapping[str, Any]] = (),
        **_: Any,
    ) -> None:
        indexes = {
            index["IndexName"]: Index(
                *(key["AttributeName"] for key in index["KeySchema"]),
                keys_only=index["Projection"]["ProjectionType"] == "KEYS_ONLY",
            )
            for index in GlobalSecondaryIndexes
        }
        self.tables[TableName] = Table(TableName, tuple(key["AttributeName"] for key in KeySchema), indexes)

    def update_time_to_live(self, *, TableName: str, TimeToLiveSpecification: Mapping[str, Any]) -> None:
        self._lives[TableName] = TimeToLiveSpecification

    def describe_time_to_live(self, *, TableName: str) -> dict[str, Any]:
        enabled = self._lives.get(TableName, {}).get("Enabled")
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED" if enabled else "DISABLED"}}

    def get_item(self, *, TableName: str, Key: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        table = self._table(TableName, "GetItem")
        item = table.items.get(table.key_of(Key))
        return {"Item": dict(item)} if item is not None else {}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, list[Item]] = {}
        for name, wanted in RequestItems.items():
            table = self._table(name, "BatchGetItem")
            keys = [table.key_of(key) for key in wanted["Keys"]]
            if len(keys) > _MOST_AT_ONCE or len(set(keys)) < len(keys):
                raise _invalid("BatchGetItem", "too many keys, or one twice")
            found[name] = [dict(table.items[key]) for key in keys if key in table.items]
        return {"Responses": found, "UnprocessedKeys": {}}

    def put_item(self, **request: Any) -> dict[str, Any]:
        self._one("PutItem", request)
        return {}

    def delete_item(self, **request: Any) -> dict[str, Any]:
        self._one("DeleteItem", request)
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        old, new = self._one("UpdateItem", request)
        match request.get("ReturnValues"):
            case "ALL_NEW":
                return {"Attributes": dict(new or {})}
            case "UPDATED_NEW":
                changed = {name: value for name, value in (new or {}).items() if (old or {}).get(name) != value}
                return {"Attributes": changed}
        return {}

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        for name, requests in RequestItems.items():
            for request in requests:
                for kind, what in request.items():
                    self._one(kind.replace("Request", "Item"), {"TableName": name, **what})
        return {"UnprocessedItems": {}}

    def transact_write_items(
        self,
        *,
        TransactItems: Sequence[Mapping[str, Any]],
        ClientRequestToken: str | None = None,
    ) -> dict[str, Any]:
        operation = "TransactWriteItems"
        if ClientRequestToken and ClientRequestToken in self._tokens:
            if self._tokens[ClientRequestToken] != list(TransactItems):
                raise refusal("dynamodb", operation, "IdempotentParameterMismatchException")
            return {}
        changes = [self._change(_OPERATIONS[kind], what) for one in TransactItems for kind, what in one.items()]
        places = [(change.table.name, change.key) for change in changes]
        if len(places) > _MOST_AT_ONCE or len(set(places)) < len(places):
            raise _invalid(operation, "too many items, or one twice")
        unmet = [not change.is_met for change in changes]
        if any(unmet):
            reasons = [change.reason for change in changes]
            raise refusal("dynamodb", operation, "TransactionCanceledException", CancellationReasons=reasons)
        new = [change.new() for change in changes]  # all are worked out before the first is made
        for change, item in zip(changes, new, strict=True):
            if not change.only_checks:
                self._make(change, item)
        if ClientRequestToken:
            self._tokens[ClientRequestToken] = list(TransactItems)
        return {}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        IndexName: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Values | None = None,
        FilterExpression: str | None = None,
        ScanIndexForward: bool = True,
        ExclusiveStartKey: Mapping[str, Any] | None = None,
        Limit: int | None = None,
        ConsistentRead: bool = False,
        Select: str | None = None,
        ProjectionExpression: str | None = None,
    ) -> dict[str, Any]:
        table, names = self._table(TableName, "Query"), _names(ExpressionAttributeNames)
        if IndexName and ConsistentRead:
            raise _invalid("Query", "Consistent reads are not supported on global secondary indexes")
        index = table.indexes[IndexName] if IndexName else Index(table.keys[0], table.keys[-1], keys_only=False)
        holds, values = _condition("Query", KeyConditionExpression, names), ExpressionAttributeValues or {}
        found = [item for item in table.items.values() if _is_in(index, item) and holds(item, values)]
        found.sort(key=lambda item: (item[index.sort]["S"], table.key_of(item)), reverse=not ScanIndexForward)
        if ExclusiveStartKey:
            passed = next(n for n, item in enumerate(found) if table.key_of(item) == table.key_of(ExclusiveStartKey))
            found = found[passed + 1 :]
        page = found[:Limit]
        answer: dict[str, Any] = {}
        if len(page) < len(found) or (Limit and len(page) == Limit):
            last = {*table.keys, index.key, index.sort}
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in last}
        if FilterExpression:
            chosen = _condition("Query", FilterExpression, names)
            page = [item for item in page if chosen(item, values)]
        kept = {*table.keys, index.key, index.sort} if index.keys_only else None
        items = [{name: item[name] for name in item if kept is None or name in kept} for item in page]
        return answer | ({"Count": len(items)} if Select == "COUNT" else {"Items": items, "Count": len(items)})

    def get_paginator(self, operation: str) -> "_Pages":
        if operation != "query":
            raise NotImplementedError(operation)
        return _Pages(self.query)

    def __getattr__(self, operation: str) -> Any:
        raise NotImplementedError(operation)

    def _one(self, operation: str, request: Mapping[str, Any]) -> tuple[Item | None, Item | None]:
        change = self._change(operation, request)
        if not change.is_met:
            raise refusal("dynamodb", operation, "ConditionalCheckFailedException", **change.in_the_way)
        old, new = change.old, change.new()
        self._make(change, new)
        return old, new

    def _change(self, operation: str, request: Mapping[str, Any]) -> "_Change":
        table = self._table(request["TableName"], operation)
        key = table.key_of(request["Item"] if operation == "PutItem" else request["Key"])
        if not all(key):
            raise _invalid(operation, "a key attribute is empty")
        change = _Change(operation, table, key, request)
        change.check()
        return change

    def _make(self, change: "_Change", new: Item | None) -> None:
        old = change.old
        if new is None:
            change.table.items.pop(change.key, None)
        else:
            change.table.items[change.key] = new
        self._watch(change.table.name, old, new)

    def _table(self, name: str, operation: str) -> Table:
        if name not in self.tables:
            raise refusal("dynamodb", operation, "ResourceNotFoundException")
        return self.tables[name]


_OPERATIONS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheck"}


@dataclass(frozen=True)
class _Change:
    operation: str
    table: Table
    key: Key
    request: Mapping[str, Any]

    @property
    def old(self) -> Item | None:
        return self.table.items.get(self.key)

    @property
    def only_checks(self) -> bool:
        return self.operation == "ConditionCheck"

    @property
    def values(self) -> Values:
        found: Values = self.request.get("ExpressionAttributeValues", {})
        return found

    @property
    def is_met(self) -> bool:
        text = self.request.get("ConditionExpression")
        return not text or _condition(self.operation, text, self._names)(self.old or {}, self.values)

    @property
    def in_the_way(self) -> Mapping[str, Any]:
        told = self.request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return {"Item": dict(self.old)} if told and self.old is not None else {}

    @property
    def reason(self) -> Mapping[str, Any]:
        return {"Code": "None"} if self.is_met else {"Code": "ConditionalCheckFailed", **self.in_the_way}

    @property
    def _names(self) -> Names:
        return _names(self.request.get("ExpressionAttributeNames"))

    def check(self) -> None:
        """Refuse names and values that nothing uses."""
        used: set[str] = set()
        try:
            if text := self.request.get("ConditionExpression"):
                used |= condition_of(text, self._names)[1]
            if text := self.request.get("UpdateExpression"):
                used |= update_of(text, self._names)[1]
        except InvalidExpressionError as error:
            raise _invalid(self.operation, str(error)) from error
        given = {*self.values, *self.request.get("ExpressionAttributeNames", ())}
        if unused := given - used:
            raise _invalid(self.operation, f"unused in expressions: {sorted(unused)}")

    def new(self) -> Item | None:
        """The item as it is to stand."""
        match self.operation:
            case "PutItem":
                item = dict(self.request["Item"])
            case "UpdateItem":
                item = dict(self.old) if self.old is not None else dict(self.request["Key"])
                if text := self.request.get("UpdateExpression"):
                    try:
                        update_of(text, self._names)[0](item, self.values)
                    except InvalidExpressionError as error:
                        raise _invalid(self.operation, str(error)) from error
            case "DeleteItem":
                return None
            case _:
                return self.old
        self._check_item(item)
        return item

    def _check_item(self, item: Item) -> None:
        if sum(len(name) + _size(value) for name, value in item.items()) > _MOST_BYTES:
            raise _invalid(self.operation, "Item size has exceeded the maximum allowed size")
        for index in self.table.indexes.values():
            for name in (index.key, index.sort):
                if name in item and "S" not in item[name]:
                    raise _invalid(self.operation, f"Type mismatch for Index Key {name}")


class _Pages:
    def __init__(self, query: Callable[..., dict[str, Any]]) -> None:
        self._query = query

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            page = self._query(**request, **start)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _is_in(index: Index, item: Item) -> bool:
    return index.key in item and index.sort in item


def _condition(operation: str, text: str, names: Names) -> Callable[[Item, Values], bool]:
    try:
        return condition_of(text, names)[0]
    except InvalidExpressionError as error:
        raise _invalid(operation, str(error)) from error


def _names(given: Mapping[str, str] | None) -> Names:
    return tuple(given.items()) if given else ()


def _size(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "N":
            return len(value) if value.isascii() else len(value.encode())
        case "B":
            return len(value)
        case "L":
            return 3 + sum(1 + _size(entry) for entry in value)
        case "M":
            return 3 + sum(1 + len(name) + _size(entry) for name, entry in value.items())
    return 1


def _invalid(operation: str, message: str) -> Exception:
    return refusal("dynamodb", operation, "ValidationException", message)
