"""A tenant that hits its budget waits, people are told, and it goes on when the budget is raised."""

import json
import uuid

import pytest

from cli.api import Api
from cli.demo.budget import BudgetStory
from cli.local.state import LocalCloud, StateDirectory
from cli.target import local_target

from .conftest import Backstay

pytestmark = pytest.mark.e2e


def test_a_tenant_waits_at_its_limit_people_are_told_and_it_goes_on_when_the_limit_is_raised(
    cloud: LocalCloud, state: StateDirectory, backstay: Backstay
) -> None:
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    with Api(local_target(cloud, state)) as api:
        *_, steps = BudgetStory(cloud, api, tenant).play()
    assert [step.complaint for step in steps] == [""] * 6
    assert "daily" in steps[2].seen
    assert steps[-1].seen.startswith("completed")
    (budget,) = json.loads(backstay("budgets", "ls", f"tenant:{tenant}", "--json").stdout)
    day = budget["windows"][0]
    assert (day["limit"], day["set_by"], budget["reserved"]) == ("5.00", "hand", "0.00")
