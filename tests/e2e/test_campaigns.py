"""The campaign saga from outside: its sample runs, and what they leave behind."""

import time
from collections.abc import Iterator

import pytest

from cli.api import Api
from cli.demo.runs import Runner, RunOutcome, judge_run, read_runs
from cli.local.state import REPOSITORY, LocalCloud, StateDirectory
from cli.target import local_target

from .conftest import ModelServer
from .stack import Stack

pytestmark = pytest.mark.e2e
_PATIENCE_S = 240
(CAMPAIGNS,) = (runs for runs in read_runs(REPOSITORY / "events" / "sagas") if runs.saga == "launch-campaign")


@pytest.fixture(scope="module")
def outcomes(cloud: LocalCloud, state: StateDirectory) -> Iterator[dict[str, RunOutcome]]:
    """How each sample run ended, one after another."""
    ended: dict[str, RunOutcome] = {}
    with Api(local_target(cloud, state)) as api:
        runner = Runner(cloud, api)
        for scenario in CAMPAIGNS.scenarios:
            outcome, deadline = runner.start(CAMPAIGNS.saga, scenario), time.monotonic() + _PATIENCE_S
            while not outcome.is_over and time.monotonic() < deadline:
                time.sleep(0.3)
                outcome = runner.look(outcome)
            ended[scenario.name] = outcome
    yield ended
    ModelServer(cloud.llm_url).reset()


@pytest.mark.parametrize("name", [scenario.name for scenario in CAMPAIGNS.scenarios])
def test_a_sample_run_ends_as_it_says(outcomes: dict[str, RunOutcome], name: str) -> None:
    assert judge_run(outcomes[name]) == ()


def test_a_campaign_whose_delivery_failed_leaves_no_drafts_and_holds_nothing(
    outcomes: dict[str, RunOutcome], stack: Stack
) -> None:
    kept, taken_back = (parts_of(stack, outcomes[scenario.name]) for scenario in CAMPAIGNS.scenarios[:2])
    assert {part for part in kept if part.startswith(("draft", "resource"))}
    assert {part for part in taken_back if part.startswith(("draft", "made", "resource"))} == set()
    assert {"closed", "commands"} <= taken_back


def parts_of(stack: Stack, outcome: RunOutcome) -> set[str]:
    """What stands in the tables under a run, by part, without the run's id."""
    assert outcome.run is not None
    dynamodb, found = stack.client("dynamodb"), set()
    for table in (stack.cloud.outputs["ContentTable"], stack.cloud.outputs["WorkflowsTable"]):
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                of_run = f"run#{outcome.run.id}#"
                if item["id"]["S"] == outcome.run.id or item["part"]["S"].startswith(of_run):
                    found.add(item["part"]["S"].removeprefix(of_run))
    return found
