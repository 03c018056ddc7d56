"""Functions for the emulator's event sources: each notes its events in a file, then does as it is told."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.clouds import Cloud, eventually, unique

_NOTE = """
import json, os, time
def note(entry):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps(entry) + "\\n")
def handler(event, context):
    note({"at": time.time(), "records": event["Records"]})
"""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the emulator's."""

    cloud: Cloud
    name: str
    notes: Path

    @classmethod
    def make(cls, cloud: Cloud, folder: Path, then: str = "", timeout_s: int = 5) -> "Function":
        """A function that notes its event, and then runs these lines with `event` and `context`."""
        name, notes = unique("function"), folder / "notes"
        notes.touch()
        lines = "".join(f"    {line}\n" for line in then.splitlines())
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("noting.py", _NOTE + lines)
        cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.14",
            Role=f"arn:aws:iam::{cloud.account}:role/worker",
            Handler="noting.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=timeout_s,
            Environment={"Variables": {"NOTES": str(notes)}},
        )
        return cls(cloud, name, notes)

    def follow(self, source_arn: str, **settings: Any) -> str:
        """Map an event source to it; answers the mapping's id."""
        answer = self.cloud.client("lambda").create_event_source_mapping(
            FunctionName=self.name, EventSourceArn=source_arn, **settings
        )
        return str(answer["UUID"])

    def batches(self) -> list[list[dict[str, Any]]]:
        """The records of every invocation so far."""
        return [json.loads(line)["records"] for line in self.notes.read_text().splitlines()]

    def times(self) -> list[float]:
        """When every invocation so far began, in seconds since 1970."""
        return [json.loads(line)["at"] for line in self.notes.read_text().splitlines()]

    def wait_for(self, invocations: int, within_s: float = 30) -> list[list[dict[str, Any]]]:
        """The records of every invocation, as soon as there are so many, or at last."""
        eventually(lambda: len(self.batches()) >= invocations, within_s)
        return self.batches()

    def wait_for_records(self, records: int, within_s: float = 30) -> list[list[dict[str, Any]]]:
        """The records of every invocation, as soon as they are so many, or at last."""
        eventually(lambda: sum(map(len, self.batches())) >= records, within_s)
        return self.batches()
