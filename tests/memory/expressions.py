"""DynamoDB's expressions: read once, then evaluated as often as wanted."""

import functools
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ministack.services._dynamodb_keywords import AWS_KEYWORDS

Attribute = Mapping[str, Any]
"""A value with its kind, such as `{"S": "text"}`."""
Item = dict[str, Attribute]
Values = Mapping[str, Attribute]
Operand = Callable[[Item, Values], Attribute | None]
Condition = Callable[[Item, Values], bool]
Names = tuple[tuple[str, str], ...]
"""What stands for which attribute, such as `#state`."""

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>()+,-]|[#:]?[A-Za-z_0-9]\w*(?:\.#?\w+)*)")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class InvalidExpressionError(Exception):
    """DynamoDB would refuse the request; the text says why."""


def number(attribute: Attribute) -> Decimal:
    """The value of a number."""
    return Decimal(attribute["N"])


def of_number(value: Decimal) -> Attribute:
    """As DynamoDB writes it."""
    return {"N": f"{value.normalize():f}"}


@functools.cache
def condition_of(text: str, names: Names = ()) -> "tuple[Condition, frozenset[str]]":
    """A condition, and the names and values that it uses.

    Raises:
        InvalidExpressionError: it is none.
    """
    reader = _Reader(text, dict(names))
    found = reader.any_of()
    reader.end()
    return found, frozenset(reader.used)


@functools.cache
def update_of(text: str, names: Names = ()) -> "tuple[Callable[[Item, Values], None], frozenset[str]]":
    """What an update does to an item in place, and the names and values that it uses.

    Raises:
        InvalidExpressionError: it is none.
    """
    reader = _Reader(text, dict(names))
    changes = reader.changes()

    def apply(item: Item, values: Values) -> None:
        before = dict(item)  # every value is worked out from how the item stood
        for change in changes:
            change(before, item, values)

    return apply, frozenset(reader.used)


def is_equal(left: Attribute | None, right: Attribute | None) -> bool:
    """Whether two attributes are the same; numbers are so by value."""
    if left is None or right is None:
        return False
    if "N" in left and "N" in right:
        return number(left) == number(right)
    return dict(left) == dict(right)


def _is_ordered(left: Attribute | None, right: Attribute | None, holds: Callable[[Any, Any], bool]) -> bool:
    if left is None or right is None:
        return False
    ((kind, mine),), ((other, theirs),) = left.items(), right.items()
    if kind != other:
        return False
    return holds(number(left), number(right)) if kind == "N" else holds(mine, theirs)


class _Reader:
    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._text, self._names = text, names
        self._tokens = _TOKEN.findall(text)
        if "".join(self._tokens) != re.sub(r"\s+", "", text):
            raise InvalidExpressionError(f"syntax error in {text!r}")
        self._at = 0
        self.used: set[str] = set()

    def any_of(self) -> Condition:
        parts = [self._all_of()]
        while self._takes("OR"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else lambda item, values: any(part(item, values) for part in parts)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise InvalidExpressionError(f"unexpected {self._tokens[self._at]!r} in {self._text!r}")

    def changes(self) -> list[Callable[[Item, Item, Values], None]]:
        clauses = {"SET": self._assignment, "REMOVE": self._removal, "ADD": self._addition}
        changes: list[Callable[[Item, Item, Values], None]] = []
        while self._at < len(self._tokens):
            clause = clauses.get(self._next().upper())
            if clause is None:
                raise InvalidExpressionError(f"unknown clause in {self._text!r}")
            changes.append(clause())
            while self._takes(","):
                changes.append(clause())
        if not changes:
            raise InvalidExpressionError("an update does nothing")
        return changes

    def _assignment(self) -> Callable[[Item, Item, Values], None]:
        name = self._name()
        self._must("=")
        value = self._sum()

        def assign(before: Item, after: Item, values: Values) -> None:
            found = value(before, values)
            if found is None:
                raise InvalidExpressionError("The provided expression refers to an attribute that does not exist")
            after[name] = found

        return assign

    def _removal(self) -> Callable[[Item, Item, Values], None]:
        name = self._name()
        return lambda _before, after, _values: after.pop(name, None) and None

    def _addition(self) -> Callable[[Item, Item, Values], None]:
        name, more = self._name(), self._operand()

        def add(before: Item, after: Item, values: Values) -> None:
            added = more(before, values)
            after[name] = of_number(number(before.get(name, {"N": "0"})) + number(added or {"N": "0"}))

        return add

    def _sum(self) -> Operand:
        left = self._operand()
        for sign, factor in (("+", 1), ("-", -1)):
            if self._takes(sign):
                return _plus(left, self._operand(), factor)
        return left

    def _all_of(self) -> Condition:
        parts = [self._negation()]
        while self._takes("AND"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else lambda item, values: all(part(item, values) for part in parts)

    def _negation(self) -> Condition:
        if self._takes("NOT"):
            inner = self._negation()
            return lambda item, values: not inner(item, values)
        if self._takes("("):
            inner = self.any_of()
            self._must(")")
            return inner
        return self._function() or self._comparison()

    def _function(self) -> Condition | None:
        name = self._tokens[self._at] if self._at < len(self._tokens) else ""
        match name:
            case "attribute_exists" | "attribute_not_exists":
                self._next()
                self._must("(")
                path = self._path()
                self._must(")")
                wanted = name == "attribute_exists"
                return lambda item, _values: (_found(item, path) is not None) is wanted
            case "begins_with" | "contains":
                self._next()
                first, second = self._two()
                holds = _begins_with if name == "begins_with" else _contains
                return lambda item, values: holds(first(item, values), second(item, values))
        return None

    def _comparison(self) -> Condition:
        left, operator = self._operand(), self._next().upper()
        match operator:
            case "=":
                right = self._operand()
                return lambda item, values: is_equal(left(item, values), right(item, values))
            case "<>":
                right = self._operand()
                return lambda item, values: not is_equal(left(item, values), right(item, values))
            case "BETWEEN":
                least = self._operand()
                self._must("AND")
                most = self._operand()
                return lambda item, values: (
                    _is_ordered(least(item, values), left(item, values), _COMPARISONS["<="])
                    and _is_ordered(left(item, values), most(item, values), _COMPARISONS["<="])
                )
        if operator not in _COMPARISONS:
            raise InvalidExpressionError(f"unknown operator {operator!r} in {self._text!r}")
        right, holds = self._operand(), _COMPARISONS[operator]
        return lambda item, values: _is_ordered(left(item, values), right(item, values), holds)

    def _operand(self) -> Operand:
        token = self._next()
        if token.startswith(":"):
            self.used.add(token)
            return lambda _item, values: values[token]
        match token:
            case "if_not_exists":
                first, second = self._two()
                return lambda item, values: first(item, values) or second(item, values)
            case "list_append":
                first, second = self._two()
                return lambda item, values: {
                    "L": [*(first(item, values) or {"L": []})["L"], *(second(item, values) or {"L": []})["L"]]
                }
        self._at -= 1
        path = self._path()
        if len(path) == 1:
            return lambda item, _values: item.get(path[0])
        return lambda item, _values: _found(item, path)

    def _two(self) -> tuple[Operand, Operand]:
        self._must("(")
        first = self._operand()
        self._must(",")
        second = self._operand()
        self._must(")")
        return first, second

    def _name(self) -> str:
        path = self._path()
        if len(path) > 1:
            raise InvalidExpressionError(f"{'.'.join(path)} can't be changed here: only whole attributes are")
        return path[0]

    def _path(self) -> tuple[str, ...]:
        return tuple(map(self._attribute, self._next().split(".")))

    def _attribute(self, token: str) -> str:
        if token.startswith("#"):
            if token not in self._names:
                raise InvalidExpressionError(f"An expression attribute name is not defined: {token}")
            self.used.add(token)
            return self._names[token]
        if token.upper() in AWS_KEYWORDS:
            raise InvalidExpressionError(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise InvalidExpressionError(f"{token!r} is no attribute's name")
        return token

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise InvalidExpressionError(f"{self._text!r} ends too early")
        self._at += 1
        return str(self._tokens[self._at - 1])

    def _takes(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].upper() == token:
            self._at += 1
            return True
        return False

    def _must(self, token: str) -> None:
        if not self._takes(token):
            raise InvalidExpressionError(f"{token!r} is missing in {self._text!r}")


def _found(item: Item, path: tuple[str, ...]) -> Attribute | None:
    """What a path leads to, through maps."""
    found: Attribute | None = item.get(path[0])
    for name in path[1:]:
        found = found["M"].get(name) if found and "M" in found else None
    return found


def _plus(left: Operand, right: Operand, factor: int) -> Operand:
    def total(item: Item, values: Values) -> Attribute | None:
        mine, theirs = left(item, values), right(item, values)
        if mine is None or theirs is None:
            return None
        return of_number(number(mine) + factor * number(theirs))

    return total


def _begins_with(text: Attribute | None, prefix: Attribute | None) -> bool:
    return bool(text and prefix and "S" in text and text["S"].startswith(prefix["S"]))


def _contains(whole: Attribute | None, part: Attribute | None) -> bool:
    if not whole or not part:
        return False
    return part in whole["L"] if "L" in whole else str(part["S"]) in whole["S"]
