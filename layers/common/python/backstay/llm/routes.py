"""Which provider and model a call goes to."""

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from backstay import config
from backstay.config import Config, ProviderSettings
from backstay.llm.api_keys import ApiKeys
from backstay.llm.errors import NotConfigured
from backstay.llm.providers import Provider, open_provider


@dataclass(frozen=True, slots=True)
class Route:
    """A provider and a model; written `provider/model`."""

    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> "Route":
        """The route that is written so; the model's own name may hold slashes."""
        provider, _, model = text.partition("/")
        return cls(provider, model)

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Switchboard:
    """Finds routes that can be called, and keeps their clients for as long as their keys hold."""

    def __init__(self, settings: Config, api_keys: ApiKeys) -> None:
        self.settings, self._api_keys = settings, api_keys
        self._open: dict[tuple[str, str], Provider] = {}
        self._lock = threading.Lock()

    def first(self, wanted: Sequence[str] | None) -> tuple[Route, Provider]:
        """The first route whose provider has what it needs.

        Raises:
            NotConfigured: says of each route what it lacks.
            WorkError: Secrets Manager did not answer.
        """
        reasons = []
        for text in wanted if wanted is not None else self.settings.routes.default:
            route = Route.parse(text)
            settings = self.settings.providers.get(route.provider)
            if settings is None or not route.model:
                reasons.append(f"{text}: backstay.toml has no [providers.{route.provider}]")
                continue
            key = self._api_keys.get(settings.secret) if settings.secret else ""
            if key is None:
                reasons.append(f"{text}: there is no secret {settings.secret!r} in this stage")
                continue
            return route, self._provider(route.provider, settings, key)
        raise NotConfigured(f"no model can be called ({'; '.join(reasons) or 'no routes are given'})")

    def distrust(self, route: Route) -> None:
        """The provider refused the key: read it anew before the next call."""
        if secret := self.settings.providers[route.provider].secret:
            self._api_keys.forget(secret)

    def _provider(self, name: str, settings: ProviderSettings, key: str) -> Provider:
        with self._lock:  # ten jobs that start together import the SDK and open one client
            opened = self._open.get((name, key))
            if opened is None:
                for old in [known for known in self._open if known[0] == name]:
                    del self._open[old]  # the key was rotated; calls under way keep theirs
                opened = self._open[name, key] = open_provider(name, settings, key)
        return opened


def switchboard() -> Switchboard:
    """This process's, from its backstay.toml."""
    with _first_use:
        return _switchboard()


def forget_switchboard() -> None:
    """Drop clients, keys and configuration, so that the next call reads them anew."""
    config.load.cache_clear()
    _switchboard.cache_clear()


@functools.cache
def _switchboard() -> Switchboard:
    return Switchboard(config.load(), ApiKeys())


_first_use = threading.Lock()  # ten jobs that start together share one
