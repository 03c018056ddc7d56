"""One try to tell one channel: whether there is anything to tell still, what is told, and what is put on record."""

import os
from collections.abc import Callable
from typing import Self

from backstay.alert_settings import AlertSettings
from backstay.alerts.alert import Alert, AlertState, Delivery, DeliveryState
from backstay.alerts.store import AlertStore
from backstay.clock import Clock, utc_now
from backstay.errors import Disposition, WorkError
from backstay.outbound.resolving import UnreachableError
from backstay.passing_trouble import passing_trouble
from backstay.task import Job

from .choosing import Secrets, channel_of
from .message import Message, link_to
from .posting import MARGIN_S, Posting
from .task import Telling, Told

API_URL_VARIABLE = "BACKSTAY_API_URL"


class Delivering:
    """Tells channels.

    Args:
        settings: with the channels.
        store: alerts.
        may_escalate: whether an alert, by its id, is still open and not muted.
        secrets: the channels' secrets; one that a channel refuses, or that isn't there, is read anew.
        posting: posts.
        stage: whose alerts they are.
        api_url: of the stage; empty where it is not known.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: AlertSettings,
        store: AlertStore,
        may_escalate: Callable[[str], bool],
        secrets: Secrets,
        posting: Posting,
        stage: str,
        api_url: str = "",
        clock: Clock = utc_now,
    ) -> None:
        self._settings, self._store, self._may_escalate = settings, store, may_escalate
        self._secrets, self._posting = secrets, posting
        self._stage, self._api_url, self._clock = stage, api_url, clock

    @classmethod
    def of_this_function(cls) -> Self:
        """With what the environment and backstay.toml say."""
        from backstay import config
        from backstay.alerts.alerting import alerting
        from backstay.llm.api_keys import ApiKeys
        from backstay.outbound.policy import Policy
        from backstay.outbound.sender import Sender
        from backstay.settings import Environment

        env, settings = Environment.read(), config.load()
        posting = Posting(Sender(Policy.for_callbacks(settings.outbound)))
        store, may_escalate = AlertStore(env.alerts_table), alerting(env).may_escalate
        api_url = os.environ.get(API_URL_VARIABLE, "")
        return cls(settings.alerts, store, may_escalate, ApiKeys(), posting, env.stage, api_url)

    def deliver(self, telling: Telling, job: Job) -> Told:
        """Make one try. Raises what the channel raises, after it was put on record."""
        channel = self._settings.channels.get(telling.channel)
        if channel is None:
            return Told(sent=False, why=f"backstay.toml has no channel {telling.channel!r} any more")
        about = AlertState(telling.about)
        with passing_trouble("the alerts table"):
            alert = self._alert_to_tell(telling, about)
        if alert is None:
            return Told(sent=False, why="nobody is to be told of it any more")
        message = Message(alert, about, link_to(alert.id, self._settings.page, self._api_url), self._stage)
        try:
            within_s = max(1.0, job.remaining_s - MARGIN_S)
            channel_of(channel, self._secrets, self._posting).send(message, within_s)
        except WorkError as error:
            if channel.secret and error.failure.error_class.disposition is Disposition.FAIL:
                self._secrets.forget(channel.secret)
            # Where nobody answered, it may have arrived all the same.
            state = DeliveryState.SENDING if isinstance(error, UnreachableError) else DeliveryState.FAILED
            self._note(telling, about, state, str(error))
            raise
        self._note(telling, about, DeliveryState.SENT)
        return Told(sent=True)

    def _alert_to_tell(self, telling: Telling, about: AlertState) -> Alert | None:
        """An opening is noted before it is sent: whoever resolves the alert meanwhile tells this channel too."""
        if about is not AlertState.OPEN:
            return self._store.get(telling.alert_id)
        if not self._may_escalate(telling.alert_id):
            return None
        return self._store.begin_delivery(telling.alert_id, telling.channel, self._clock())

    def _note(self, telling: Telling, about: AlertState, state: DeliveryState, error: str | None = None) -> None:
        """Only of openings: they decide who is told of the end."""
        if about is AlertState.OPEN:
            with passing_trouble("the alerts table"):
                self._store.note_delivery(telling.alert_id, telling.channel, Delivery(state, self._clock(), error))
