"""Which provider and model a call goes to."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backstay.config import Config, ProviderSettings
from backstay.errors import WorkError
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


def lack_of(settings: Config, route: Route, has_key: Callable[[str], bool]) -> str:
    """What keeps a route from being called, and what to do about it; nothing where it can be.

    Args:
        settings: backstay.toml.
        route: which.
        has_key: whether there is a secret of this name, without the stage's prefix.
    """
    provider = settings.providers.get(route.provider)
    if provider is None or not route.model:
        return f"backstay.toml has no [providers.{route.provider}]"
    if provider.secret and not has_key(provider.secret):
        remedy = f"backstay secrets set {provider.secret}"
        return f"there is no secret {provider.secret!r} in this stage; set it: {remedy}"
    return ""


class Switchboard:
    """Finds routes that can be called, and keeps their clients for as long as their keys hold."""

    def __init__(self, settings: Config, api_keys: ApiKeys) -> None:
        self.settings, self._api_keys = settings, api_keys
        self._open: dict[tuple[str, str], Provider] = {}
        self._lock = threading.Lock()

    def usable(self, wanted: Sequence[str]) -> tuple[Route, ...]:
        """The routes whose providers have what they need, in order.

        Raises:
            NotConfigured: there is none; says of each what it lacks.
            WorkError: the keys of all that there are can't be read.
        """
        found: list[Route] = []
        reasons: list[str] = []
        unread: WorkError | None = None
        for text in wanted:
            route = Route.parse(text)
            try:
                lack = lack_of(self.settings, route, self._has_key)
            except WorkError as error:
                unread = error
                continue
            if lack:
                reasons.append(f"{text}: {lack}")
            else:
                found.append(route)
        if not found and unread:
            raise unread
        if not found:
            raise NotConfigured(f"no model can be called ({'; '.join(reasons) or 'no routes are given'})")
        return tuple(found)

    def provider(self, route: Route) -> Provider:
        """Who answers on a usable route. The first use of a provider imports its SDK.

        Raises:
            NotConfigured: its key was removed meanwhile.
            WorkError: Secrets Manager did not answer.
        """
        settings = self.settings.providers[route.provider]
        key = self._key_of(settings)
        if key is None:
            raise NotConfigured(f"{route}: there is no secret {settings.secret!r} in this stage any more")
        return self._opened(route.provider, settings, key)

    def distrust(self, route: Route) -> None:
        """The provider refused the key: read it anew before the next call."""
        if secret := self.settings.providers[route.provider].secret:
            self._api_keys.forget(secret)

    def _has_key(self, secret: str) -> bool:
        return self._api_keys.get(secret) is not None

    def _key_of(self, settings: ProviderSettings) -> str | None:
        return self._api_keys.get(settings.secret) if settings.secret else ""

    def _opened(self, name: str, settings: ProviderSettings, key: str) -> Provider:
        with self._lock:  # ten jobs that start together import the SDK and open one client
            opened = self._open.get((name, key))
            if opened is None:
                for old in [known for known in self._open if known[0] == name]:
                    del self._open[old]  # the key was rotated; calls under way keep theirs
                opened = self._open[name, key] = open_provider(name, settings, key)
        return opened
