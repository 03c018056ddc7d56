"""The hourly check of credit, and its alarms."""

import pytest

from tests.infra.conftest import synthesise, write_functions
from tests.infra.template import Template

TOML = """
[providers.gateway]
kind = "openrouter"
secret = "provider/gateway"
[providers.openai]
kind = "openai"
secret = "provider/openai"
[credits]
critical_below_usd = 2
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, clean_imports: None) -> Template:
    folder = tmp_path_factory.mktemp("credits")
    write_functions(folder / "functions")
    (folder / "backstay.toml").write_text(TOML)
    return synthesise(folder / "out", functions=str(folder / "functions"), config=str(folder / "backstay.toml"))


def test_the_check_runs_once_an_hour(template: Template) -> None:
    schedules = {rule.get("ScheduleExpression") for rule in template.of_type("AWS::Events::Rule").values()}
    assert "rate(1 hour)" in schedules


def test_it_reads_the_keys_of_those_who_can_be_asked_and_no_other(template: Template) -> None:
    read = template.resources_of("backstay-dev-check-credits", "secretsmanager:GetSecretValue")
    assert [name.rsplit(":", 1)[-1] for name in read] == ["backstay/dev/provider/gateway-??????"]


def test_alarms_begin_where_backstay_toml_says(template: Template) -> None:
    found = {
        alarm["AlarmName"].removeprefix("backstay-dev-").removesuffix("/gateway"): (
            alarm["MetricName"],
            alarm["ComparisonOperator"],
            alarm["Threshold"],
        )
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if "cost." in alarm["AlarmName"] and alarm["AlarmName"].endswith("/gateway")
    }
    assert found == {
        "cost.credits_low": ("CreditsRemaining", "LessThanThreshold", 5),
        "cost.credits_critical": ("CreditsRemaining", "LessThanThreshold", 2),
        "cost.high_daily_usage": ("CreditsUsedToday", "GreaterThanThreshold", 1),
        "cost.credits_unknown": ("CreditChecksFailedInARow", "GreaterThanOrEqualToThreshold", 3),
    }
    names = [alarm["AlarmName"] for alarm in template.of_type("AWS::CloudWatch::Alarm").values()]
    # What was bought of OpenAI, which doesn't tell what is left, is counted down; its use has no alarm of this kind.
    of_openai = {name.split("/")[0].removeprefix("backstay-dev-") for name in names if name.endswith("/openai")}
    assert {name for name in of_openai if name.startswith(("cost.credits", "cost.high"))} == {
        "cost.credits_low",
        "cost.credits_critical",
    }
