"""The check of every provider that can be asked for its credit."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from backstay.budgets.amounts import shown
from backstay.budgets.periods import Window
from backstay.budgets.standing import Standing
from backstay.budgets.top_ups import TopUps
from backstay.circuits import Circuits
from backstay.clock import Clock, utc_now
from backstay.config import Config
from backstay.credit import Balance, CreditState, read_credits, write_credit
from backstay.errors import WorkError
from backstay.outbound.policy import Policy
from backstay.outbound.sender import Sender, Sends
from backstay.outbound.urls import parse_url
from backstay.telemetry import Metric, emit, logger

from .openrouter import ADDRESS, CheckFailed, balance_of
from .telling import tell_what_is_left

KIND = "openrouter"
"""The only kind of provider that can be asked (facts: OpenAI and Anthropic have no such endpoint)."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one provider's check."""

    provider: str
    state: CreditState


class Checking:
    """Checks credit.

    Args:
        settings: backstay.toml.
        table: the guards table.
        read_secret: a secret by its name without the stage's prefix, or None.
        sender: sends requests; by default to the providers' own hosts only.
        clock: UTC.
    """

    def __init__(
        self,
        settings: Config,
        table: str,
        read_secret: Callable[[str], str | None],
        sender: Sends | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._settings, self._table, self._read_secret, self._clock = settings, table, read_secret, clock
        self._sender = sender or Sender(_policy(settings))
        self._standing = Standing(settings.budgets, table, clock)
        self._circuits = Circuits(settings, table, clock)

    def check(self) -> list[Checked]:
        """Check all, one after the other; none keeps another from being checked. What was bought of others is counted
        down.
        """
        addresses = _addresses(self._settings)
        known = read_credits(self._table, addresses)
        return [*self._check_all(addresses, known), *self._count_down(addresses)]

    def _count_down(self, told: Collection[str]) -> Iterator[Checked]:
        """What is left at those who don't tell: what was bought of them, less what is spent."""
        settings = self._settings
        providers = [name for name in (*settings.providers, *settings.rates) if name not in told]
        bought = TopUps(self._table).read(providers)
        budgets = self._standing.read([f"provider:{one.provider}" for one in bought])
        for one, budget in zip(bought, budgets, strict=True):
            spent = [budget.accounts[window].spent for window in (Window.DAILY, Window.MONTHLY)]
            left, day, month = (shown(budget.scope, usd) for usd in (one.left(budget), *spent))
            balance = Balance(left, used_today_usd=day, used_this_month_usd=month)
            state = CreditState().with_balance(balance, self._clock())
            write_credit(self._table, one.provider, state)
            emit(metrics_of(state), {"Provider": one.provider})
            if one.provider not in settings.providers:
                tell_what_is_left(one.provider, left, settings.credits)
            yield Checked(one.provider, state)

    def _check_all(self, addresses: dict[str, str], known: dict[str, CreditState]) -> Iterator[Checked]:
        for provider, address in addresses.items():
            before = known.get(provider, CreditState())
            try:
                balance = self._balance(provider, address)
            except (CheckFailed, WorkError) as error:
                state = before.with_failure(str(error))
                logger().warning("credit could not be checked", provider=provider, problem=state.problem)
            else:
                if balance is None:
                    continue  # not set up in this stage
                state = before.with_balance(balance, self._clock())
                if balance.is_spendable:
                    self._circuits.credit_is_back(provider)
            write_credit(self._table, provider, state)
            emit(metrics_of(state), {"Provider": provider})
            yield Checked(provider, state)

    def _balance(self, provider: str, address: str) -> Balance | None:
        secret = self._settings.providers[provider].secret
        api_key = self._read_secret(secret) if secret else None
        return balance_of(self._sender, address, api_key) if api_key else None


def metrics_of(state: CreditState) -> list[Metric]:
    """What a check measures. Amounts are of this check only: a failed one tells none, which alarms take for no news."""
    metrics = [Metric("CreditChecksFailedInARow", state.failures_in_a_row)]
    if state.failures_in_a_row or state.balance is None:
        return metrics
    amounts = {"CreditsRemaining": state.balance.remaining_usd, "CreditsUsedToday": state.balance.used_today_usd}
    return metrics + [Metric(name, float(amount), "None") for name, amount in amounts.items() if amount is not None]


def _addresses(settings: Config) -> dict[str, str]:
    return {name: one.base_url or ADDRESS for name, one in settings.providers.items() if one.kind == KIND}


def _policy(settings: Config) -> Policy:
    hosts = {parse_url(address).host for address in _addresses(settings).values()}
    return Policy.of(settings.outbound.allow_private, hosts)
