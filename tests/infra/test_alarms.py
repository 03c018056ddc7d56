"""Alarms: one for every rule that a metric can tell, named so that the rule and what it is about are read off it."""

from collections.abc import Iterator

import pytest

from backstay.alerts.alarm_names import parse
from backstay.alerts.rules import BUILT_IN, Heard
from infra.room import LIMIT
from tests.infra.conftest import synthesise, write_functions
from tests.infra.template import Properties, Template

PREFIX = "backstay-dev-"
TOML = """
log_level = "DEBUG"
cors_origins = ["https://ops.example.com"]

[providers.gateway]
kind = "openrouter"
secret = "provider/gateway"

[alerts.rules."worker.queue_depth"]
threshold = 50
minutes = 20
text = "Wake Ann"

[alerts.rules."database.slow"]
enabled = false

[alerts.rules."acme.slow_import"]
metric = "ImportSeconds"
dimensions = { Task = "import" }
statistic = "p95"
above = 30
minutes = 10

[alerts.rules."acme.import_failed"]
event = { source = ["acme.imports"], detail_type = ["Import failed"] }
severity = "critical"
text = "An import failed"

[outbound]
allow_hosts = ["api.example.com"]
"""
ALL = "AWS::CloudWatch::Alarm"


@pytest.fixture(scope="module")
def adjusted(tmp_path_factory: pytest.TempPathFactory, clean_imports: None) -> Template:
    """A stack whose backstay.toml adjusts rules and more, and whose provider has credit that can be asked for."""
    folder = tmp_path_factory.mktemp("alarms")
    write_functions(folder / "functions")
    (folder / "backstay.toml").write_text(TOML)
    return synthesise(folder / "out", functions=str(folder / "functions"), config=str(folder / "backstay.toml"))


def of_rule(template: Template, rule: str) -> Iterator[Properties]:
    alarms = template.named(ALL, "AlarmName").items()
    return (alarm for name, alarm in alarms if parse(name, PREFIX).rule == rule)


def test_every_alarm_says_its_rule_and_what_to_do(dev: Template) -> None:
    for name, alarm in dev.named(ALL, "AlarmName").items():
        assert parse(name, PREFIX).rule in BUILT_IN
        assert len(alarm["AlarmDescription"]) > 40


def test_every_rule_that_an_alarm_tells_has_alarms(dev: Template, adjusted: Template) -> None:
    told = {parse(name, PREFIX).rule for one in (dev, adjusted) for name in one.named(ALL, "AlarmName")}
    wanted = {name for name, rule in BUILT_IN.items() if rule.heard is not Heard.EVENT}
    assert told == wanted | {"acme.slow_import"}


def test_a_rule_is_adjusted_and_another_switched_off(adjusted: Template) -> None:
    deep, *_ = of_rule(adjusted, "worker.queue_depth")
    assert (deep["Threshold"], deep["Period"] * deep["EvaluationPeriods"]) == (50, 1200)
    assert deep["AlarmDescription"] == "Wake Ann"
    assert not list(of_rule(adjusted, "database.slow"))


def test_budgets_of_the_whole_and_of_every_provider_are_watched_at_every_threshold(dev: Template) -> None:
    for rule, percent in (("warning", 75), ("critical", 90), ("emergency", 95)):
        alarms = list(of_rule(dev, f"cost.budget_{rule}"))
        assert {alarm["Threshold"] for alarm in alarms} == {percent}
        watched = {
            tuple(sorted((dimension["Name"], dimension["Value"]) for dimension in alarm["Dimensions"]))
            for alarm in alarms
        }
        assert watched == {
            (("Scope", scope), ("Window", window))
            for scope in ("total", "provider:anthropic", "provider:openai")
            for window in ("daily", "monthly", "yearly")
        }


def test_a_team_has_room_for_two_dozen_more_tasks(dev: Template) -> None:
    for template, of_a_task in ((dev, 9), (dev.watching, 4)):
        assert template
        assert len(template.body["Resources"]) + 24 * of_a_task <= LIMIT


def test_stacks_know_each_other_by_names_that_stay(dev: Template) -> None:
    exported = [output["Value"]["Ref"] for output in dev.body["Outputs"].values() if "Export" in output]
    kinds = {dev.body["Resources"][logical_id]["Type"] for logical_id in exported}
    assert kinds == {"AWS::DynamoDB::Table", "AWS::ApiGatewayV2::Api"}
    assert len(exported) == len(dev.of_type("AWS::DynamoDB::Table")) + 1


def test_an_escalation_that_fails_is_an_alert(dev: Template) -> None:
    _, rule = dev.starting("AWS::Events::Rule", "AlertingEscalations")
    machine = rule["EventPattern"]["detail"]["stateMachineArn"]
    assert "Escalation" in str(machine)
    (target,) = rule["Targets"]
    written = target["InputTransformer"]["InputTemplate"]
    assert '"rule":"system.crashed"' in written
    assert '"source":"escalate-alert"' in written


def test_a_team_s_rule_over_a_metric_is_an_alarm(adjusted: Template) -> None:
    (slow,) = of_rule(adjusted, "acme.slow_import")
    assert slow["AlarmName"] == "backstay-dev-acme.slow_import/ImportSeconds.import"
    assert (slow["Namespace"], slow["MetricName"], slow["ExtendedStatistic"]) == ("Backstay", "ImportSeconds", "p95")
    assert slow["Dimensions"] == [{"Name": "Task", "Value": "import"}]
    assert (slow["Threshold"], slow["Period"], slow["ComparisonOperator"]) == (30, 600, "GreaterThanThreshold")


def test_a_team_s_rule_over_an_event_leads_to_whoever_routes_alerts(adjusted: Template) -> None:
    _, rule = adjusted.starting("AWS::Events::Rule", "Alertingacmeimportfailed")
    assert rule["EventPattern"] == {"source": ["acme.imports"], "detail-type": ["Import failed"]}
    (target,) = rule["Targets"]
    router = adjusted.id_of("AWS::Lambda::Function", "FunctionName", "backstay-dev-route-alerts")
    assert target["Arn"] == {"Fn::GetAtt": [router, "Arn"]}
    assert '"rule":"acme.import_failed"' in target["InputTransformer"]["InputTemplate"]


def test_the_level_of_logs_is_a_setting_and_lambda_itself_drops_no_metrics(dev: Template, adjusted: Template) -> None:
    for template, level in ((dev, "INFO"), (adjusted, "DEBUG")):
        for function in template.functions().values():
            assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == level
            assert function["LoggingConfig"]["ApplicationLogLevel"] == level


def test_pages_of_other_origins_may_call_the_api_only_where_they_are_named(dev: Template, adjusted: Template) -> None:
    apis = (one.of_type("AWS::ApiGatewayV2::Api").values() for one in (dev, adjusted))
    (closed,), (opened,) = ([api for api in of_stack if api["ProtocolType"] == "HTTP"] for of_stack in apis)
    assert "CorsConfiguration" not in closed
    assert opened["CorsConfiguration"]["AllowOrigins"] == ["https://ops.example.com"]
    assert "AllowCredentials" not in opened["CorsConfiguration"]
