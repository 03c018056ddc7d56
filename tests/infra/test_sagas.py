"""Sagas as they are deployed: found by folder, told to functions as plain data."""

import json
from pathlib import Path

import pytest

from backstay.config import Config
from backstay.workflows.catalog import SagaFile
from backstay.workflows.planning import file_of
from backstay.workflows.saga import SagaDeclarationError
from infra.sagas_folder import SagasFolder

_SAGA = """
from backstay.workflows.saga import Approval, Saga, Step, Undo, fact
from pydantic import BaseModel

class Order(BaseModel):
    text: str

def saga(config):
    days = config.jobs.keep_failed_days
    steps = (
        Step("make", "add-numbers", {}, undo=Undo("add-numbers", {})),
        Approval("consent", when=fact("make.total").at_least(days) & fact("input.text").equals("x")),
    )
    return Saga("try-it", Order, steps)
"""


def test_a_saga_is_found_by_its_file_and_may_be_made_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "try_it.py").write_text(_SAGA)
    (tmp_path / "__init__.py").touch()
    sagas = SagasFolder(tmp_path).sagas(Config())
    (plan,) = SagaFile.model_validate_json(file_of(sagas)).sagas
    make, consent = plan.steps
    assert (plan.name, plan.facts) == ("try-it", ("text",))
    assert (make.task, make.undo, make.facts) == ("add-numbers", "add-numbers", ("total",))
    assert (consent.kind, consent.event) == ("approval", "consent-approved")
    assert plan.input_schema["properties"]["text"]["type"] == "string"
    assert "flowchart" in plan.picture
    assert json.loads(file_of(()))["sagas"] == []


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [("try_it", "steps = 1", "must assign a Saga"), ("other", _SAGA, "rename the file or the saga")],
)
def test_a_file_that_declares_no_saga_of_its_name_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(SagaDeclarationError, match=says):
        SagasFolder(tmp_path).sagas(Config())
