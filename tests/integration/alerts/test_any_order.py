"""Whatever happens to a condition, in whatever order, told however often, whatever fails: what always holds."""

import contextlib
from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstay import aws
from backstay.alerts.alert import Alert, AlertOverError, AlertState
from backstay.alerts.alerting import Alerting
from backstay.alerts.occurrence import Kind, Occurrence
from backstay.settings import Environment
from tests.integration.conftest import SettableClock

PERSON = ("acknowledge", "resolve")
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(list(Kind)), st.integers(0, 5), st.sampled_from(["", "2026-11-25", "2026-11-26"])),
        st.tuples(st.sampled_from([*PERSON, "wait", "no way to tell"]), st.integers(0, 20), st.just("")),
    ),
    max_size=14,
)


class Phone:
    """Tells, unless it fails."""

    def __init__(self) -> None:
        self.told: Counter[tuple[str, AlertState]] = Counter()
        self.fails = False

    def tell(self, alert: Alert) -> None:
        if self.fails:
            self.fails = False
            raise ConnectionError("no way to tell")
        self.told[alert.id, alert.state] += 1


def step(alerting: Alerting, clock: SettableClock, phone: Phone, one: tuple[str, int, str]) -> None:
    what, number, period = one
    if what == "wait":
        clock.advance(60 * number)
        alerting.look()
    elif what == "no way to tell":
        phone.fails = True
    elif what in PERSON:
        for alert in alerting.store.unresolved():
            (alerting.acknowledge if what == "acknowledge" else alerting.resolve)(alert.id, "ada")
    else:
        at = clock() - timedelta(seconds=number)
        alerting.take(Occurrence("a.b", "c", Kind(what), at, id=f"{what}{number}{period}", once_in=period or None))


def empty(table: str) -> None:
    for item in aws.dynamodb().scan(TableName=table)["Items"]:
        aws.dynamodb().delete_item(TableName=table, Key={"id": item["id"]})


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_one_alert_at_a_time_each_state_told_once_and_none_forgotten(
    cloud: Environment, steps: list[tuple[str, int, str]]
) -> None:
    empty(cloud.alerts_table)
    clock, phone = SettableClock(), Phone()
    alerting = Alerting(cloud.alerts_table, {}, phone.tell, clock)

    def alerts() -> list[Alert]:
        return list(alerting.store.page(list(AlertState), 100).alerts)

    for one in steps:
        with contextlib.suppress(ConnectionError, ExceptionGroup, AlertOverError):  # tried again by whoever wants to
            step(alerting, clock, phone, one)
        assert sum(not alert.is_over for alert in alerts()) <= 1
    phone.fails = False
    clock.advance(60)
    alerting.look()
    for alert in alerts():
        assert not alert.is_untold
        assert phone.told[alert.id, alert.state] == 1
    assert set(phone.told.values()) <= {1}
    periods = [alert.once_in for alert in alerts() if alert.once_in]
    assert len(periods) == len(set(periods))
