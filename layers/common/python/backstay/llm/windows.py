"""How much a model can read: its context window in tokens, from backstay.toml first and genai-prices else."""

from backstay.config import Config
from backstay.llm.prices import model_in_tables
from backstay.llm.routes import Route


def window_of(settings: Config, route: Route) -> int | None:
    """Tokens of input and output together; None where nobody knows."""
    own = settings.context_windows.get(str(route))
    if own is not None:
        return own
    provider = settings.providers[route.provider]
    found = model_in_tables(provider.kind, provider.base_url, route.model)
    return found.context_window if found else None
