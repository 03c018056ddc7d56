"""What people are told of an alert, in words. Pure; each channel puts it into its own form."""

from dataclasses import dataclass
from datetime import datetime

from backstay.alerts.alert import CONDITION_ENDED, QUIET, Alert, AlertState
from backstay.clock import iso


@dataclass(frozen=True, slots=True)
class Message:
    """One message: an alert, the state that is told of, and where to look at it."""

    alert: Alert
    about: AlertState
    link: str
    """Empty where there is no page to look at."""
    stage: str

    @property
    def headline(self) -> str:
        """One line, such as `CRITICAL worker.dead_letter: enhance-story`."""
        alert = self.alert
        said = alert.severity.upper() if self.about is AlertState.OPEN else self.about.upper()
        return f"{said} {alert.rule}: {alert.source}"

    @property
    def text(self) -> str:
        """What is the matter and what to do; for one that is over, how it ended."""
        alert = self.alert
        match self.about:
            case AlertState.OPEN:
                return alert.text
            case AlertState.ACKNOWLEDGED:
                return f"{alert.acknowledged_by} looks after it."
            case AlertState.RESOLVED:
                by_itself = alert.resolved_by in (CONDITION_ENDED, QUIET)
                return f"Resolved{':' if by_itself else ' by'} {alert.resolved_by}."

    @property
    def facts(self) -> dict[str, str]:
        """What else is known, by name; for people who look closer."""
        alert = self.alert
        facts = {"stage": self.stage, "opened": iso(alert.opened_at), "tenant": alert.tenant or ""}
        facts |= {"times": str(alert.count) if alert.count > 1 else "", **alert.details}
        return {name: value for name, value in facts.items() if value}

    @property
    def remedy(self) -> str:
        """How to stop the escalation; empty once nothing escalates."""
        if self.about is not AlertState.OPEN:
            return ""
        return f"Acknowledge: backstay alerts ack {self.alert.id}"

    @property
    def happened_at(self) -> datetime:
        """When the alert came into the state that is told of. The same for every try."""
        alert = self.alert
        moments = {AlertState.ACKNOWLEDGED: alert.acknowledged_at, AlertState.RESOLVED: alert.resolved_at}
        return moments.get(self.about) or alert.opened_at


def link_to(alert_id: str, page: str | None, api_url: str) -> str:
    """Where to look at an alert.

    Args:
        alert_id: the alert's.
        page: as backstay.toml has it, with `{id}` for the alert's; None for the API's own answer.
        api_url: of this stage; empty where it is not known.
    """
    if page:
        return page.replace("{id}", alert_id)
    return f"{api_url.rstrip('/')}/api/alerts/{alert_id}" if api_url else ""
