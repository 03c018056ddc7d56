"""The rules' table, and what backstay.toml makes of it."""

from pathlib import Path

import pytest

from backstay import config
from backstay.alerts.rules import BUILT_IN, Heard, rules
from backstay.settings import SettingsError

SEVERITIES_OF_THE_SPEC = {
    "workflow.stuck": "warning",
    "workflow.failure_rate": "critical",
    "worker.unhealthy": "warning",
    "worker.consecutive_failures": "critical",
    "worker.queue_depth": "warning",
    "worker.dead_letter": "critical",
    "api.rate_limit": "warning",
    "api.circuit_breaker": "critical",
    "api.high_error_rate": "warning",
    "api.slow_response": "warning",
    "cost.budget_warning": "warning",
    "cost.budget_critical": "critical",
    "cost.budget_emergency": "emergency",
    "cost.credits_low": "warning",
    "cost.credits_critical": "critical",
    "cost.high_daily_usage": "warning",
    "system.memory.high": "warning",
    "system.cpu.high": "warning",
    "system.throttled": "warning",
    "database.slow": "warning",
    "database.errors": "critical",
    "security.authentication_failures": "warning",
    "security.suspicious_activity": "critical",
}


def told(toml: str) -> config.Config:
    return config.parse(toml)


def test_every_rule_of_the_spec_is_built_in_with_its_severity() -> None:
    assert {name: BUILT_IN[name].severity for name in SEVERITIES_OF_THE_SPEC} == SEVERITIES_OF_THE_SPEC


def test_without_a_word_the_built_in_rules_are_all_there_is() -> None:
    assert rules(told("").alerts) == BUILT_IN


def test_a_rule_belongs_to_the_category_that_its_name_begins_with() -> None:
    assert BUILT_IN["system.memory.high"].category == "system"


def test_every_condition_reads_as_a_sentence_with_its_threshold() -> None:
    assert BUILT_IN["worker.queue_depth"].condition == "more than 1000 messages wait in a queue"
    assert not [rule.name for rule in BUILT_IN.values() if "{" in rule.condition]


def test_a_built_in_rule_is_adjusted_in_what_is_named_and_in_nothing_else() -> None:
    toml = '[alerts.rules."worker.queue_depth"]\nthreshold = 500\npolicy = "critical"\nenabled = false'
    rule = rules(told(toml).alerts)["worker.queue_depth"]
    assert (rule.threshold, rule.minutes, rule.severity) == (500, 10, "warning")
    assert (rule.policy, rule.enabled) == ("critical", False)


@pytest.mark.parametrize(
    ("watches", "heard", "minutes"),
    [
        ('metric = "ImportSeconds"\nstatistic = "p95"\nabove = 30\nminutes = 10', Heard.ALARM, 10),
        ('metric = "ImportSeconds"\nbelow = 1', Heard.ALARM, 5),
        ('event = { source = ["acme.imports"] }', Heard.EVENT, None),
    ],
)
def test_a_team_s_own_rule_stands_beside_the_built_in_ones(watches: str, heard: Heard, minutes: int | None) -> None:
    rule = rules(told(f'[alerts.rules."acme.slow_import"]\n{watches}').alerts)["acme.slow_import"]
    assert (rule.category, rule.severity, rule.heard, rule.minutes) == ("acme", "warning", heard, minutes)


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ('[alerts.rules."worker.que_depth"]\nthreshold = 5', "did you mean 'worker.queue_depth'"),
        ('[alerts.rules."acme.import"]\nseverity = "info"', "needs metric or event"),
        ('[alerts.rules."worker.queue_depth"]\nmetric = "Depth"\nabove = 1', "another name"),
        ('[alerts.rules."worker.dead_letter"]\nthreshold = 5', "the rule has none"),
        ('[alerts.rules."workflow.stuck"]\nminutes = 5', "the rule has none"),
    ],
)
def test_what_no_rule_can_follow_is_refused_by_name(toml: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        rules(told(toml).alerts)


def test_the_repository_s_own_file_adjusts_only_rules_that_exist() -> None:
    assert BUILT_IN.keys() <= rules(config.read(Path("backstay.toml")).alerts).keys()


def test_the_page_lists_every_rule_as_it_is() -> None:
    page = Path("docs/alerts.md").read_text(encoding="utf-8")
    for rule in BUILT_IN.values():
        lasts = f", {rule.minutes} min" if rule.minutes else ""
        assert f"| `{rule.name}` | {rule.condition}{lasts} | {rule.severity} | {rule.heard} |" in page


def test_the_page_s_examples_are_rules() -> None:
    page = Path("docs/alerts.md").read_text(encoding="utf-8")
    (section,) = page.split("## Rules")[1:]
    examples = "\n".join(block.split("```")[0] for block in section.split("```toml\n")[1:])
    found = rules(config.parse(examples).alerts)
    assert found["acme.slow_import"].minutes == 10
    assert found["acme.import_failed"].severity == "critical"
    assert not found["workflow.approval_needed"].enabled
