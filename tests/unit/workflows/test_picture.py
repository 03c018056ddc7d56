"""A saga as Mermaid text."""

import re

from pydantic import BaseModel

from backstay.workflows.picture import in_words, picture
from backstay.workflows.saga import PRE_APPROVED, Approval, Saga, Step, Undo, WaitForSignal, fact

SAGA = Saga(
    "order",
    BaseModel,
    (
        Step("reserve", "reserve-stock", {}, Undo("release-stock", {})),
        Approval("consent", when=fact("reserve.is_rare") & ~PRE_APPROVED),
        WaitForSignal("paid", "payment"),
        Step("end", "ship", {}, Undo("call-back", {}), when=fact("input.count").at_least(2)),
    ),
)


def test_a_picture_shows_every_step_its_conditions_and_the_way_back() -> None:
    assert picture(SAGA).splitlines() == [
        "flowchart TD",
        "    start([start])",
        '    do_reserve["reserve<br/>reserve-stock"]',
        "    start --> do_reserve",
        '    do_consent[/"consent<br/>waits for a person\'s approval"/]',
        "    do_reserve --> when_consent",
        '    when_consent{"reserve.is_rare and not pre-approved?"}',
        "    when_consent -->|yes| do_consent",
        '    do_paid[/"paid<br/>waits for the signal payment"/]',
        "    do_consent --> do_paid",
        "    when_consent -->|no| do_paid",
        '    do_end["end<br/>ship"]',
        "    do_paid --> when_end",
        '    when_end{"input.count ≥ 2?"}',
        "    when_end -->|yes| do_end",
        "    completed([completed])",
        "    do_end --> completed",
        "    when_end -->|no| completed",
        '    undo_reserve["undo reserve<br/>release-stock"]',
        '    undo_end["undo end<br/>call-back"]',
        "    compensated([compensated, or aborted where a person refused])",
        "    do_reserve -. fails .-> undo_reserve",
        "    do_consent -. fails .-> undo_reserve",
        "    do_consent -. refused .-> undo_reserve",
        "    do_paid -. fails .-> undo_reserve",
        "    do_end -. fails .-> undo_end",
        "    undo_end -.-> undo_reserve",
        "    undo_reserve -.-> compensated",
    ]


def test_no_step_s_name_is_a_word_of_mermaid_s() -> None:
    nodes = set(re.findall(r"^ {4}(\w+)[\[({]", picture(SAGA), re.MULTILINE))
    assert "end" not in nodes


def test_a_condition_reads_as_it_is_meant() -> None:
    condition = (fact("a.b") | fact("a.c").equals("x")) & ~(fact("a.n").at_most(3) & PRE_APPROVED)
    assert in_words(condition) == "(a.b or a.c = x) and not (a.n ≤ 3 and pre-approved)"
    quoted = Saga("q", BaseModel, (Step("one", "t", {}, when=fact("a.b").equals('say "hi"')),))
    assert "a.b = say #quot;hi#quot;?" in picture(quoted)


def test_where_nothing_was_done_that_can_be_undone_a_failure_is_the_end() -> None:
    shown = picture(Saga("s", BaseModel, (Step("one", "t", {}), Approval("consent"))))
    assert "compensated" not in shown
    assert shown.splitlines()[-5:] == [
        "    failed([failed])",
        "    aborted([aborted])",
        "    do_one -. fails .-> failed",
        "    do_consent -. fails .-> failed",
        "    do_consent -. refused .-> aborted",
    ]
