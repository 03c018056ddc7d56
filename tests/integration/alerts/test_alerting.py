"""What becomes of occurrences: one unresolved alert a condition, told once, in whatever order things come."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from backstay import aws
from backstay.alert_settings import AlertSettings
from backstay.alerts.alert import Alert, AlertOverError, AlertState, Delivery, DeliveryState
from backstay.alerts.alerting import Alerting
from backstay.alerts.muting import Covers, MaintenanceWindow, Silence
from backstay.alerts.occurrence import Kind, Occurrence, Severity
from backstay.alerts.rules import rules
from backstay.clock import utc_now
from backstay.settings import Environment
from tests.integration.conftest import SettableClock

OPEN, ACKNOWLEDGED, RESOLVED = AlertState
SETTINGS = AlertSettings.model_validate(
    {
        "rules": {
            "api.rate_limit": {"enabled": False},
            "worker.dead_letter": {"text": "call Ada", "severity": "emergency"},
        }
    }
)
BEGAN = utc_now() - timedelta(minutes=1)


@dataclass
class House:
    """Alerting, with what it told."""

    table: str
    clock: SettableClock
    told: list[tuple[str, AlertState]] = field(default_factory=list)
    fails: int = 0
    alerting: Alerting = field(init=False)

    def __post_init__(self) -> None:
        self.alerting = Alerting(self.table, rules(SETTINGS), self.tell, self.clock)

    def tell(self, alert: Alert) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("no way to tell")
        self.told.append((alert.id, alert.state))

    def take(self, occurrence: Occurrence) -> Alert:
        alert = self.alerting.take(occurrence)
        assert alert is not None
        return alert

    def all(self) -> list[Alert]:
        return list(self.alerting.store.page(list(AlertState), 100).alerts)


@pytest.fixture
def house(cloud: Environment, clock: SettableClock) -> House:
    return House(cloud.alerts_table, clock)


def deep(kind: Kind = Kind.BEGINS, at: datetime = BEGAN, source: str = "enhance-story", **more: object) -> Occurrence:
    return replace(Occurrence("worker.queue_depth", source, kind, at, "it is deep"), **more)  # type: ignore[arg-type]


def test_an_alert_is_opened_told_once_and_counts_up(house: House) -> None:
    opened = house.take(deep())
    again = house.take(deep(at=BEGAN + timedelta(seconds=5)))
    assert (again.id, again.state, again.count, again.severity) == (opened.id, OPEN, 2, Severity.WARNING)
    assert house.told == [(opened.id, OPEN)]


def test_a_rule_says_how_much_it_matters_what_to_say_and_whether_to_speak_at_all(house: House) -> None:
    letter = house.take(deep(rule="worker.dead_letter"))
    assert (letter.severity, letter.text) == (Severity.EMERGENCY, "call Ada")
    assert house.take(deep(rule="worker.dead_letter", source="b", severity=Severity.INFO)).severity is Severity.INFO
    assert house.alerting.take(deep(rule="api.rate_limit")) is None
    assert house.take(deep(rule="acme.unheard_of")).severity is Severity.WARNING


def test_what_is_told_twice_counts_once(house: House) -> None:
    house.take(deep(id="m1"))
    assert house.take(deep(id="m1")).count == 1
    assert house.take(deep(Kind.ENDS, BEGAN + timedelta(seconds=1))).state is RESOLVED
    assert house.alerting.take(deep(id="m1")) is None  # told a third time, long after: it opens nothing
    assert len(house.all()) == 1


def test_each_source_has_an_alert_of_its_own(house: House) -> None:
    house.take(deep())
    house.take(deep(source="parse-command"))
    assert len(house.all()) == len(house.told) == 2


def test_an_alert_ends_with_its_condition_and_the_next_is_a_new_one(house: House) -> None:
    first = house.take(deep())
    over = house.take(deep(Kind.ENDS, BEGAN + timedelta(minutes=1)))
    assert (over.id, over.state, over.resolved_by) == (first.id, RESOLVED, "condition ended")
    second = house.take(deep(at=BEGAN + timedelta(minutes=2)))
    assert second.id != first.id
    assert house.told == [(first.id, OPEN), (first.id, RESOLVED), (second.id, OPEN)]


def test_word_of_a_beginning_that_comes_after_word_of_the_end_opens_nothing(house: House) -> None:
    assert house.alerting.take(deep(Kind.ENDS, BEGAN + timedelta(seconds=9))) is None
    assert house.alerting.take(deep()) is None
    assert house.take(deep(at=BEGAN + timedelta(seconds=10))).state is OPEN


def test_an_end_from_before_the_alert_does_not_end_it(house: House) -> None:
    house.take(deep())
    assert house.take(deep(Kind.ENDS, BEGAN - timedelta(seconds=1))).state is OPEN


def test_what_only_happened_is_over_after_fifteen_quiet_minutes(house: House) -> None:
    house.take(deep(Kind.HAPPENED, house.clock()))
    house.clock.advance(14 * 60)
    house.take(deep(Kind.HAPPENED, house.clock()))
    house.clock.advance(14 * 60)
    assert house.alerting.look() == []
    house.clock.advance(61)
    (over,) = house.alerting.look()
    assert (over.state, over.resolved_by, over.count) == (RESOLVED, "quiet", 2)
    assert house.told == [(over.id, OPEN), (over.id, RESOLVED)]


def test_what_lasts_is_not_over_because_it_is_quiet(house: House) -> None:
    house.take(deep(at=house.clock()))
    house.clock.advance(3600)
    assert house.alerting.look() == []


def test_what_may_alert_once_in_a_period_does_so_once_even_once_it_is_resolved(house: House) -> None:
    spent = deep(Kind.HAPPENED, id="a", once_in="2026-11-25")
    first = house.take(spent)
    house.alerting.resolve(first.id, "ada")
    assert house.take(replace(spent, id="b")).state is RESOLVED
    next_day = house.take(replace(spent, id="c", once_in="2026-11-26"))
    assert (next_day.id != first.id, next_day.state) == (True, OPEN)
    assert house.told == [(first.id, OPEN), (first.id, RESOLVED), (next_day.id, OPEN)]


def test_the_next_periods_alert_ends_that_of_the_period_before(house: House) -> None:
    first = house.take(deep(Kind.HAPPENED, once_in="2026-11"))
    second = house.take(deep(Kind.HAPPENED, BEGAN + timedelta(seconds=1), once_in="2026-12"))
    states = {alert.id: alert.state for alert in house.all()}
    assert states == {first.id: RESOLVED, second.id: OPEN}


def test_an_alarm_and_an_event_of_the_same_period_are_one_alert(house: House) -> None:
    house.take(deep(Kind.HAPPENED, once_in="2026-11-25"))
    joined = house.take(deep(Kind.BEGINS, BEGAN + timedelta(minutes=3), once_in="2026-11-25"))
    assert (joined.count, joined.lasts, len(house.all())) == (2, True, 1)


def test_somebody_looks_after_an_alert_and_then_it_is_resolved(house: House) -> None:
    opened = house.take(deep())
    looked_after = house.alerting.acknowledge(opened.id, "ada")
    assert looked_after is not None
    assert (looked_after.state, looked_after.acknowledged_by) == (ACKNOWLEDGED, "ada")
    assert house.take(deep(at=BEGAN + timedelta(seconds=5))).state is ACKNOWLEDGED
    resolved = house.alerting.resolve(opened.id, "bob")
    assert resolved is not None
    assert (resolved.state, resolved.resolved_by) == (RESOLVED, "bob")
    with pytest.raises(AlertOverError):
        house.alerting.acknowledge(opened.id, "ada")
    assert [state for _, state in house.told] == [OPEN, ACKNOWLEDGED, RESOLVED]


def test_an_alert_that_could_not_be_told_is_told_when_it_comes_again_or_within_a_minute(house: House) -> None:
    house.fails = 2
    with pytest.raises(ConnectionError):
        house.take(deep(id="m"))
    with pytest.raises(ConnectionError):
        house.take(deep(id="m"))
    assert house.take(deep(id="m")).count == 1
    assert house.told == [(house.all()[0].id, OPEN)]
    house.fails = 1
    with pytest.raises(ConnectionError):
        house.alerting.resolve(house.all()[0].id, "ada")
    house.clock.advance(60)
    assert [alert.state for alert in house.alerting.look()] == [RESOLVED]
    assert house.alerting.look() == []


def test_one_alert_that_cannot_be_told_holds_up_no_other(house: House) -> None:
    house.fails = 2
    for source in ("a", "b"):
        with pytest.raises(ConnectionError):
            house.take(deep(source=source, at=house.clock()))
    house.clock.advance(60)
    house.fails = 1
    with pytest.raises(ExceptionGroup):
        house.alerting.look()
    assert len(house.told) == 1
    house.alerting.look()
    assert len(house.told) == 2


@pytest.mark.parametrize(
    ("covers", "value"),
    [(Covers.RULE, "worker.queue_depth"), (Covers.CATEGORY, "worker"), (Covers.SOURCE, "enhance-story")],
)
def test_of_what_is_silenced_nobody_is_told_and_it_is_on_record(house: House, covers: Covers, value: str) -> None:
    silence = Silence("s1", covers, value, BEGAN, house.clock() + timedelta(hours=1), "ada")
    house.alerting.mutes.put(silence)
    muted = house.take(deep())
    assert (muted.muted_by, muted.state) == ("s1", OPEN)
    house.alerting.resolve(muted.id, "ada")
    assert house.take(deep(source="other", rule="api.slow_response")).muted_by is None
    assert [state for an_id, state in house.told if an_id == muted.id] == [RESOLVED]


def test_a_maintenance_window_covers_its_categories_while_it_lasts(house: House) -> None:
    now = house.clock()
    window = MaintenanceWindow("w1", ("worker",), now + timedelta(hours=1), now + timedelta(hours=2), "ada")
    house.alerting.mutes.put(window)
    assert house.take(deep(source="before", at=house.clock())).muted_by is None
    house.clock.advance(5400)
    assert house.take(deep(source="within", at=house.clock())).muted_by == "w1"
    assert house.take(deep(source="within", at=house.clock(), rule="api.slow_response")).muted_by is None
    house.clock.advance(5400)
    assert house.take(deep(source="after", at=house.clock())).muted_by is None


def test_a_silence_stops_an_escalation_that_is_under_way(house: House) -> None:
    opened = house.take(deep())
    assert house.alerting.may_escalate(opened.id)
    silence = Silence("s1", Covers.SOURCE, "enhance-story", BEGAN, house.clock() + timedelta(hours=1), "ada")
    house.alerting.mutes.put(silence)
    assert not house.alerting.may_escalate(opened.id)
    house.alerting.mutes.end(Silence, "s1", house.clock())
    assert house.alerting.may_escalate(opened.id)
    house.alerting.acknowledge(opened.id, "ada")
    assert not house.alerting.may_escalate(opened.id)


def test_a_message_goes_out_only_while_the_alert_is_open(house: House) -> None:
    store, now = house.alerting.store, house.clock()
    opened = house.take(deep())
    sending = store.begin_delivery(opened.id, "slack", now)
    assert sending is not None
    assert sending.deliveries["slack"].state is DeliveryState.SENDING
    store.note_delivery(opened.id, "slack", Delivery(DeliveryState.SENT, now))
    resolved = house.alerting.resolve(opened.id, "ada")
    assert resolved is not None
    assert resolved.deliveries == {"slack": Delivery(DeliveryState.SENT, now)}
    assert store.begin_delivery(opened.id, "pagerduty", now) is None
    store.note_delivery("gone", "slack", Delivery(DeliveryState.FAILED, now, "410"))
    assert store.get("gone") is None


def test_alerts_are_listed_latest_first_page_by_page(house: House) -> None:
    for minute in range(5):
        house.take(deep(source=f"s{minute}", at=BEGAN + timedelta(seconds=minute)))
    house.alerting.resolve(house.all()[0].id, "ada")
    store, states = house.alerting.store, [OPEN, RESOLVED]
    first = store.page(states, 2)
    second = store.page(states, 2, first.cursor)
    third = store.page(states, 2, second.cursor)
    sources = [[alert.source for alert in page.alerts] for page in (first, second, third)]
    assert sources == [["s4", "s3"], ["s2", "s1"], ["s0"]]
    assert third.cursor is None
    assert [alert.source for alert in store.page([RESOLVED], 10).alerts] == ["s4"]


def test_resolved_alerts_go_one_day_and_others_stay(house: House) -> None:
    opened = house.take(deep())

    def ttl() -> object:
        return aws.dynamodb().get_item(TableName=house.table, Key={"id": {"S": opened.id}})["Item"].get("ttl")

    assert ttl() is None
    house.alerting.resolve(opened.id, "ada")
    assert ttl() is not None
