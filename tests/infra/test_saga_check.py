"""What is wrong with a saga is told before anything is deployed."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from backstay.catalog import AnyTask, Catalog
from backstay.config import CampaignSettings, Config
from backstay.task import Task
from backstay.workflows.picture import picture
from backstay.workflows.saga import (
    PRE_APPROVED,
    Approval,
    Saga,
    SagaDeclarationError,
    Step,
    Undo,
    WaitForSignal,
    fact,
    ref,
)
from infra.packages import REPOSITORY
from infra.saga_check import check
from infra.shapes import Shape


class Order(BaseModel):
    sku: str
    count: int = 1
    address: dict[str, str] = {}


class Line(BaseModel):
    sku: str


class Reserve(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sku: str
    count: int | None = None
    lines: list[Line] = []
    box: Line | None = None


class Reserved(BaseModel):
    reservation: str
    is_rare: bool = False
    note: str | None = None
    shelf: Line | None = None
    lines: list[Line] = []
    extra: dict[str, Any] = {}


class Release(BaseModel):
    sku: str
    reservation: str | None = None
    box: Line | None = None


class Strict(BaseModel):
    reservation: str


class Aliased(BaseModel):
    body: Any = Field(alias="json")


def task(name: str, takes: type[BaseModel], answers: type[BaseModel] = Reserved) -> AnyTask:
    return Task(name=name, input=takes, output=answers)  # type: ignore[return-value]


TASKS = {
    each.name: each
    for each in (task("reserve", Reserve), task("release", Release), task("strict", Strict), task("post", Aliased))
}
FIRST = Step("first", "reserve", {"sku": ref("input.sku")})


def complaints(*steps: Any) -> str:
    try:
        check(Saga("order", Order, steps), TASKS)
    except SagaDeclarationError as error:
        return str(error)
    return ""


def second(mapping: dict[str, Any], **more: Any) -> Step:
    return Step("second", "reserve", mapping, **more)


@pytest.mark.parametrize(
    "steps",
    [
        (FIRST,),
        (FIRST, second({"sku": ref("first.reservation"), "count": 3})),
        (FIRST, second({"sku": "a", "lines": ref("first.lines"), "box": ref("first.shelf")})),
        (FIRST, second({"sku": "a", "lines": [{"sku": ref("run.started_at")}], "box": None})),
        (FIRST, second({"sku": ref("first.lines.0.sku", default="none")})),
        (FIRST, second({"sku": ref("input.address.city", default="")})),
        (FIRST, second({"sku": ref("first.extra.anything.at.all", default="")})),
        (FIRST, second({"sku": "a", "count": ref("input.count", default=1)}, when=fact("first.is_rare"))),
        (FIRST, second({"sku": "a"}, when=~fact("first.is_rare") & ~PRE_APPROVED)),
        (FIRST, second({"sku": "a"}, undo=Undo("release", {"sku": "a", "reservation": ref("second.reservation")}))),
        (FIRST, second({"sku": "a"}, undo=Undo("strict", {"reservation": ref("first.reservation")}))),
        (FIRST, second({"sku": "a"}, undo=Undo("strict", {"reservation": ref("second.reservation", default="")}))),
        (FIRST, Step("send", "post", {"json": {"rare": ref("first.is_rare"), "list": [1, ref("run.id")]}})),
        (FIRST, Approval("yes"), WaitForSignal("wait", "paid"), second({"sku": ref("wait.sku", default="")})),
    ],
)
def test_a_saga_that_can_work_is_left_alone(steps: tuple[Any, ...]) -> None:
    assert complaints(*steps) == ""


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ((Step("first", "reserv", {}),), "order, step 'first': there is no task 'reserv'; the tasks are post, release"),
        ((Step("first", "reserve", {}),), "reserve needs 'sku', which nothing is mapped to; add it to the input"),
        ((second({"sku": "a", "skus": 1}),), "reserve takes no 'skus'; it takes box, count, lines, sku"),
        (
            (second({"sku": ref("input.skuu")}),),
            "refers to 'input.skuu': there is no 'skuu' in it; it has address, count",
        ),
        ((second({"sku": ref("run.name")}),), "there is no 'name' in it; it has id, saga, started_at, tenant"),
        ((second({"sku": ref("first.sku")}),), "'first' is no step; refer to input, run"),
        ((second({"sku": ref("second.reservation")}),), "'second' is the step itself; refer to input, run"),
        ((second({"sku": ref("first.x")}), FIRST), "'first' is a later step; refer to input, run"),
        ((FIRST, second({"sku": ref("first.reserved")})), "there is no 'reserved' in it; it has extra, is_rare, lines"),
        ((FIRST, second({"sku": ref("first.shelf.skuu")})), "there is no 'skuu' in shelf; it has sku"),
        ((FIRST, second({"sku": ref("first.shelf.sku")})), "but 'shelf' may be null; give the reference a default"),
        ((FIRST, second({"sku": ref("first.lines.0.sku")})), "but 'lines' may have fewer entries; give the reference"),
        ((FIRST, second({"sku": "a", "count": ref("input.count")})), "but 'count' may be left out; give the reference"),
        ((FIRST, second({"sku": ref("first.is_rare")})), "takes string for 'sku', and 'first.is_rare' is boolean"),
        ((FIRST, second({"sku": ref("first.note")})), "takes no null for 'sku', and 'first.note' may be null"),
        ((FIRST, second({"sku": 7})), "reserve takes string for 'sku', and 7 is none"),
        ((FIRST, second({"sku": "a", "lines": [{}]})), "reserve needs 'lines.0.sku', which nothing is mapped to"),
        ((FIRST, second({"sku": "a", "box": {"sku": ["a"]}})), "takes string for 'box.sku', and ['a'] is none"),
        ((FIRST, Step("send", "post", {"json": {"a.$": 1}})), "'json.a.$' ends in '.$', which Step Functions takes"),
        ((FIRST, second({"sku": "a"}, when=fact("first.rare"))), "looks at 'first.rare': there is no 'rare' in it"),
        (
            (FIRST, second({"sku": "a"}, when=fact("second.is_rare"))),
            "condition looks at 'second.is_rare': 'second' is",
        ),
        ((FIRST, second({"sku": "a"}, when=fact("first.is_rare").equals("yes"))), "boolean, with 'yes'"),
        ((FIRST, second({"sku": "a"}, undo=Undo("releas", {}))), "'second': its undo: there is no task 'releas'"),
        (
            (FIRST, second({"sku": "a"}, undo=Undo("strict", {"reservation": ref("second.reservation")}))),
            "its undo: strict needs 'reservation' and gets it from 'second.reservation', but a step that is undone may",
        ),
        (
            (
                FIRST,
                second({"sku": "a"}, undo=Undo("release", {"sku": "a", "box": {"sku": ref("second.reservation")}})),
            ),
            "its undo: release needs 'box.sku' and gets it from 'second.reservation'",
        ),
    ],
)
def test_what_can_not_work_is_told_with_step_field_and_remedy(steps: tuple[Any, ...], complaint: str) -> None:
    assert complaint in complaints(*steps)


RARE, LARGE = fact("first.is_rare"), fact("input.sku").equals("large")


@pytest.mark.parametrize(
    ("when", "may"),
    [(RARE, True), (RARE & LARGE, True), (LARGE & RARE, True), (RARE | LARGE, False), (LARGE, False), (None, False)],
)
def test_a_step_may_rely_on_one_that_is_left_out_only_where_it_is_left_out_too(when: Any, may: bool) -> None:
    found = complaints(
        FIRST,
        second({"sku": "a"}, when=RARE),
        Step("third", "reserve", {"sku": ref("second.reservation")}, when=when),
    )
    assert (found == "") is may
    assert may or "but 'second' may be left out; give the reference a default" in found


def test_every_mistake_is_told_at_once() -> None:
    found = complaints(Step("first", "nothing", {}), Step("second", "reserve", {"skus": 1}))
    assert len(found.splitlines()) == 3


@pytest.mark.parametrize("delivers", [True, False])
def test_our_own_saga_can_work_with_somebody_who_delivers_and_without(delivers: bool) -> None:
    from infra.sagas.launch_campaign import saga

    urls = {"delivery_url": "https://x.test/send", "cancel_url": "https://x.test/cancel"} if delivers else {}
    given = saga(Config(campaigns=CampaignSettings(**urls)))
    check(given, {each.name: each for each in Catalog(REPOSITORY / "functions")})
    assert [step.name for step in given.steps] == ["parse", "approval", "generate", "deliver"][: 3 + delivers]


def test_the_docs_show_our_own_saga_as_it_is() -> None:
    from infra.sagas.launch_campaign import saga

    urls = {"delivery_url": "https://x.test/send", "cancel_url": "https://x.test/cancel"}
    shown = picture(saga(Config(campaigns=CampaignSettings(**urls))))
    assert f"```mermaid\n{shown}\n```" in (REPOSITORY / "docs" / "sagas.md").read_text()


def test_what_may_be_anything_has_no_kinds_and_takes_every_field() -> None:
    assert (Shape({}).kinds, Shape({}).is_open) == (None, True)
    closed = Shape.of(Reserve, "validation")
    assert (closed.kinds, closed.is_open, closed.required) == (frozenset({"object"}), False, frozenset({"sku"}))
