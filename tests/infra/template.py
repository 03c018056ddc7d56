"""Synthesised templates, asked in a test's words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """One stack's template, and what the stack that watches over it has."""

    path: Path
    body: dict[str, Any]
    watching: "Template | None" = None

    @classmethod
    def read(cls, path: Path, watching: "Template | None" = None) -> "Template":
        """The template in a file."""
        return cls(path, json.loads(path.read_text()), watching)

    def of_type(self, type_name: str) -> dict[str, Properties]:
        """The properties of all resources of a type, by logical id."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.body["Resources"].items()
            if resource["Type"] == type_name
        } | (self.watching.of_type(type_name) if self.watching else {})

    def paths(self) -> Iterator[Path]:
        """The files of all of its templates."""
        yield self.path
        if self.watching:
            yield from self.watching.paths()

    def named(self, type_name: str, key: str) -> dict[str, Properties]:
        """The properties of all resources of a type, by their physical name."""
        return {properties[key]: properties for properties in self.of_type(type_name).values()}

    def queues(self) -> dict[str, Properties]:
        """Queues by name."""
        return self.named("AWS::SQS::Queue", "QueueName")

    def functions(self) -> dict[str, Properties]:
        """Functions by name."""
        return self.named("AWS::Lambda::Function", "FunctionName")

    def id_of(self, type_name: str, key: str, name: str) -> str:
        """The logical id of the resource with a physical name."""
        found = self.of_type(type_name).items()
        return next(logical_id for logical_id, properties in found if properties.get(key) == name)

    def starting(self, type_name: str, prefix: str) -> tuple[str, Properties]:
        """The one resource whose logical id starts so, which for a construct is its path."""
        (found,) = (entry for entry in self.of_type(type_name).items() if entry[0].startswith(prefix))
        return found

    def sources_of(self, function: str) -> list[Properties]:
        """The event sources of a function."""
        wanted = {"Ref": self.id_of("AWS::Lambda::Function", "FunctionName", function)}
        return [source for source in self.of_type("AWS::Lambda::EventSourceMapping").values()
                if source["FunctionName"] == wanted]  # fmt: skip

    def statements_of(self, function: str) -> list[Properties]:
        """What a function's role is allowed."""
        role = self.functions()[function]["Role"]["Fn::GetAtt"][0]
        return [
            statement
            for policy in self._policies().values()
            if {"Ref": role} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def resources_of(self, function: str, action: str) -> set[str]:
        """What a function may do this to: logical ids or the text of ARNs."""
        return {
            as_text(resource)
            for statement in self.statements_of(function)
            if action in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        }

    def all_statements(self) -> Iterator[tuple[str, Properties]]:
        """Every statement of every role's policies, with the policy's logical id."""
        for logical_id, policy in self._policies().items():
            for statement in policy["PolicyDocument"]["Statement"]:
                yield logical_id, statement

    def _policies(self) -> dict[str, Properties]:
        """Roles' own policies, and where CDK puts what is more than a role's own may hold."""
        return self.of_type("AWS::IAM::Policy") | self.of_type("AWS::IAM::ManagedPolicy")


def as_list(value: Any) -> list[Any]:
    """CloudFormation writes one of something without a list."""
    return value if isinstance(value, list) else [value]


def as_text(value: Any) -> str:
    """An ARN as text, with references as logical ids."""
    match value:
        case str():
            return value
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(as_text(part) for part in parts)
        case {"Ref": name}:
            return str(name)
        case {"Fn::GetAtt": [name, "Arn"]}:
            return str(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
    raise TypeError(f"no ARN: {value!r}")
