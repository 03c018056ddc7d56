"""What the routes work with, made when first needed and kept by the process."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from backstay.access.authenticator import Authenticator
from backstay.settings import Environment

if TYPE_CHECKING:
    from backstay.access.failed_tries import FailedTries
    from backstay.access.key_store import KeyStore
    from backstay.alerts.alerting import Alerting
    from backstay.alerts.rules import Rule
    from backstay.budgets.elsewhere import Elsewhere
    from backstay.budgets.standing import Standing
    from backstay.budgets.top_ups import TopUps
    from backstay.catalog import Catalog
    from backstay.chats.table import ChatTable
    from backstay.circuits import Circuits
    from backstay.config import Config
    from backstay.content import ContentTable
    from backstay.costs.book import CostBook
    from backstay.jobs.control import Control
    from backstay.jobs.dead_letters import DeadLetters
    from backstay.jobs.history import History
    from backstay.jobs.inputs import Inputs
    from backstay.jobs.pausing import Pausing
    from backstay.jobs.queries import JobQueries
    from backstay.jobs.stats import StatsReader
    from backstay.jobs.submit import Submitter
    from backstay.live.connections import ConnectionStore
    from backstay.llm.api_keys import ApiKeys
    from backstay.outbound.policy import Policy
    from backstay.workflows.catalog import Sagas
    from backstay.workflows.run_control import RunControl
    from backstay.workflows.run_queries import RunQueries
    from backstay.workflows.run_reading import RunReader
    from backstay.workflows.run_store import RunStore
    from backstay.workflows.starting import Starter

    from .house import RecentHouse


class Services:
    """The services of one process.

    Args:
        env: what the stack tells.
        functions: the folder that holds the tasks' folders.
    """

    def __init__(self, env: Environment, functions: Path) -> None:
        self.env, self._functions = env, functions
        self.authenticator = Authenticator(env.keys_table)

    @cached_property
    def catalog(self) -> "Catalog":
        """Knows the tasks."""
        from backstay.catalog import Catalog

        return Catalog(self._functions)

    @cached_property
    def key_store(self) -> "KeyStore":
        """Knows the keys that there are."""
        from backstay.access.key_store import KeyStore
        from backstay.access.webhook_secrets import WebhookSecrets

        return KeyStore(self.env.keys_table, WebhookSecrets(self.env.secret_prefix))

    @cached_property
    def rules(self) -> "Mapping[str, Rule]":
        """The rules by which people are told."""
        from backstay.alerts.rules import rules

        return rules(self.config.alerts)

    def failed_tries(self, window: timedelta) -> "FailedTries":
        """Counts wrong keys by caller."""
        from backstay.access.failed_tries import FailedTries

        return FailedTries(self.env.guards_table, window)

    @cached_property
    def submitter(self) -> "Submitter":
        """Makes jobs."""
        from backstay.jobs.submit import Submitter

        return Submitter(self.env, self.catalog)

    @cached_property
    def queries(self) -> "JobQueries":
        """Reads jobs."""
        from backstay.jobs.queries import JobQueries

        return JobQueries(self.env, self.catalog)

    @cached_property
    def inputs(self) -> "Inputs":
        """Reads jobs' inputs."""
        from backstay.jobs.inputs import Inputs

        return Inputs(self.env)

    @cached_property
    def control(self) -> "Control":
        """Cancels and retries jobs."""
        from backstay.jobs.control import Control
        from backstay.jobs.endings import Retention

        return Control(self.env, self.catalog, Retention.of_settings(self.config.jobs))

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        """Lists and counts what failed for good."""
        from backstay.jobs.dead_letters import DeadLetters

        return DeadLetters(self.env, self.catalog)

    @cached_property
    def stats(self) -> "StatsReader":
        """Reads numbers about tasks."""
        from backstay.jobs.stats import StatsReader

        return StatsReader(self.env, self.catalog)

    @cached_property
    def history(self) -> "History":
        """Reads what jobs did hour by hour."""
        from backstay.jobs.history import History

        return History(self.env.jobs_table)

    @cached_property
    def recent_house(self) -> "RecentHouse":
        """How the whole house stood a moment ago."""
        from .house import RecentHouse

        return RecentHouse()

    @cached_property
    def pausing(self) -> "Pausing":
        """Pauses and resumes tasks."""
        from backstay.jobs.pausing import Pausing

        return Pausing(self.env)

    @cached_property
    def cost_book(self) -> "CostBook":
        """Reads the accounts of what was spent."""
        from backstay.costs.book import CostBook

        return CostBook(self.env.jobs_table)

    @cached_property
    def contents(self) -> "ContentTable":
        """Where stories are kept."""
        from backstay.content import ContentTable

        return ContentTable(self.env.content_table)

    @cached_property
    def chats(self) -> "ChatTable":
        """Where bots and conversations are kept."""
        from datetime import timedelta

        from backstay.chats.table import ChatTable

        return ChatTable(self.env.chats_table, timedelta(days=self.config.chats.keep_days))

    @cached_property
    def circuits(self) -> "Circuits":
        """Breakers of providers and hosts."""
        from backstay.circuits import Circuits

        return Circuits(self.config, self.env.guards_table)

    @cached_property
    def elsewhere(self) -> "Elsewhere":
        """Books spending that happened elsewhere."""
        from backstay.budgets.elsewhere import Elsewhere

        return Elsewhere(self.config.budgets, self.env.guards_table)

    @cached_property
    def top_ups(self) -> "TopUps":
        """Notes and reads what credit was bought."""
        from backstay.budgets.top_ups import TopUps

        return TopUps(self.env.guards_table)

    @cached_property
    def standing(self) -> "Standing":
        """Reads budgets and changes their limits."""
        from backstay.budgets.standing import Standing

        return Standing(self.config.budgets, self.env.guards_table)

    @cached_property
    def alerting(self) -> "Alerting":
        """Keeps alerts, and tells of them."""
        from backstay.alerts.alerting import alerting

        return alerting(self.env)

    @cached_property
    def connections(self) -> "ConnectionStore":
        """Issues tickets for sockets."""
        from backstay.live.connections import ConnectionStore

        return ConnectionStore(self.env.connections_table)

    @property
    def sagas(self) -> "Sagas":
        """Knows the sagas."""
        from backstay.workflows.catalog import sagas

        return sagas()

    @cached_property
    def starter(self) -> "Starter":
        """Starts runs of sagas."""
        from backstay.workflows.starting import Starter

        return Starter(self.env, self.sagas)

    @cached_property
    def run_control(self) -> "RunControl":
        """Approves, rejects, aborts and redrives runs."""
        from backstay.workflows.run_control import RunControl

        return RunControl(self.env, self.sagas)

    @cached_property
    def runs(self) -> "RunStore":
        """Where runs and sagas' statistics are kept."""
        from backstay.workflows.run_store import RunStore

        return RunStore(self.env.workflows_table)

    @cached_property
    def run_queries(self) -> "RunQueries":
        """Lists runs."""
        from backstay.workflows.run_queries import RunQueries

        return RunQueries(self.env, self.sagas)

    @cached_property
    def run_reader(self) -> "RunReader":
        """Reads runs with their steps."""
        from backstay.workflows.run_reading import RunReader

        return RunReader(self.env, self.sagas)

    @cached_property
    def outbound(self) -> "Policy":
        """Where webhooks may go."""
        from backstay.outbound.policy import Policy

        return Policy.for_callbacks(self.config.outbound)

    @cached_property
    def key_places(self) -> "ApiKeys":
        """Where providers' keys lie, which is all that the API may know of them."""
        from backstay.llm.api_keys import ApiKeys, place_of_secret

        return ApiKeys(read=place_of_secret)

    @property
    def config(self) -> "Config":
        """What backstay.toml says."""
        from backstay import config

        return config.load()


_made: Services | None = None


def services() -> Services:
    """The services of this process. Its folder lies among the tasks' folders, in the repository and in the Lambda."""
    made = _made or Services(Environment.read(), Path(__file__).parent.parent)
    use(made)
    return made


def use(made: Services | None) -> None:
    """Work with these from now on; None makes new ones when next needed."""
    global _made  # noqa: PLW0603 - one set of services a process is what a Lambda has
    _made = made
