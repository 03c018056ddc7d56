"""What a task's `uses` means in permissions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from backstay.alerts.announcing import sources_of
from backstay.config import Config, ProviderSettings
from backstay.errors import BackstayError
from infra.escalation import Escalation
from infra.permissions import let, let_any
from infra.schedules import Schedules
from infra.stage import Stage
from infra.storage import Storage
from infra.task_queue import TaskQueue

_INVOKE_MODEL = ("bedrock:InvokeModel",)
_READ_SECRET = ("secretsmanager:GetSecretValue",)
_ONE_A_KEY = "one for every API key; keys come and go without a deploy"


class UnknownUseError(BackstayError):
    """A task uses something that the stack has no permissions for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that a function may be let at, and the grants of each use."""

    stack: Stack
    stage: Stage
    config: Config
    storage: Storage
    schedules: Schedules
    queues: Mapping[str, TaskQueue]
    """By the task's name."""
    escalation: Escalation

    def grant(self, use: str, role: iam.Role) -> None:
        """Let a role do what a task that uses this does.

        Raises:
            UnknownUseError: nothing is known by this name.
        """
        grants: dict[str, Callable[[iam.Role], None]] = {
            "llm": self._let_call_models,
            "answers": self.storage.let_drop_answers,
            "content": self.storage.let_work_on_content,
            "webhook-secrets": self._let_read_webhook_secrets,
            "jobs": self._let_run_all_jobs,
            "dead-letters": self.let_handle_dead_letters,
            "idempotency": self.storage.let_run_once,
            "tenant-data": self._let_erase_tenants,
            "chats": self.storage.let_chat,
            "outbound-http": self.storage.let_guard,  # the internet itself is reached without being let
            "outbound-secrets": self._let_read_outbound_secrets,
            "workflows": self.storage.let_work_on_runs,
            "parked-jobs": self._let_wake_parked_jobs,
            "announcements": self.let_announce,
            "alerts": self._let_tell_channels,
        }
        if use not in grants:
            raise UnknownUseError(f"uses={use!r} has no grants; infra/reach.py knows {', '.join(sorted(grants))}")
        grants[use](role)

    def let_send_to_every_task(self, role: iam.Role) -> None:
        """Send jobs of any task, at once or on schedule."""
        for queue in self.queues.values():
            queue.let_send(role)
        self.schedules.let_schedule(role)

    def let_handle_dead_letters(self, role: iam.Role) -> None:
        """Look through dead letters, remove them, and send their jobs anew."""
        for queue in self.queues.values():
            queue.let_count(role)
            queue.let_bury(role)
            queue.let_exhume(role)
        self.let_send_to_every_task(role)
        self.storage.let_search_jobs(role)

    def let_answer_steps(self, role: iam.Role) -> None:
        """Read what a step's input refers to, and tell its run how it ended."""
        self.storage.let_read_runs(role)
        let_any(
            role,
            ("states:SendTaskFailure", "states:SendTaskSuccess"),
            self._states("stateMachine"),
            "any saga may have the task as a step",
        )

    def let_run_sagas(self, role: iam.Role) -> None:
        """Begin, stop and look up runs of every saga, and answer those that wait."""
        self.storage.let_work_on_runs(role)
        self.storage.let_search_runs(role)
        reason = "sagas come and go with their files; all of this stage's, and no other"
        let_any(role, ("states:StartExecution",), self._states("stateMachine"), reason)
        let_any(role, ("states:DescribeExecution", "states:StopExecution"), self._states("execution"), reason)
        self.let_answer_steps(role)

    def let_announce(self, role: iam.Role) -> None:
        """Tell what people should hear of."""
        bus = self.stack.format_arn(service="events", resource="event-bus", resource_name="default")
        ours = f"{sources_of(self.stage.name)}*"
        let(role, ("events:PutEvents",), bus, conditions={"StringLike": {"events:source": ours}})

    def let_trace(self, role: iam.Role) -> None:
        """Hand traces over to X-Ray."""
        reason = "takes no resource; it writes traces, and reads none"
        let_any(role, ("xray:PutTraceSegments",), "*", reason)

    def let_tell(self, role: iam.Role) -> None:
        """See to it that people are told of alerts."""
        self.escalation.let_tell(role)

    def _states(self, resource: str) -> str:
        return self.stack.format_arn(
            service="states",
            resource=resource,
            resource_name=f"{self.stage.prefix}*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _let_run_all_jobs(self, role: iam.Role) -> None:
        self.let_send_to_every_task(role)
        self.storage.let_search_jobs(role)

    def _let_wake_parked_jobs(self, role: iam.Role) -> None:
        self.storage.let_read_budgets(role)
        self.schedules.let_unschedule(role)

    def _let_call_models(self, role: iam.Role) -> None:
        self.storage.let_cache(role)
        self.let_reach_providers(role)

    def let_reach_providers(self, role: iam.Role) -> None:
        """Call providers of models under their keys or under the role, behind the guards."""
        self.storage.let_guard(role)
        self._let_read_provider_keys(role)
        if any(provider.kind == "bedrock" and not provider.secret for provider in self.config.providers.values()):
            reason = "tasks choose models, and an inference profile sends calls on to any of several regions"
            for resource, account in (("foundation-model", ""), ("inference-profile", self.stack.account)):
                every = self.stack.format_arn(
                    service="bedrock", region="*", account=account, resource=resource, resource_name="*"
                )
                let_any(role, _INVOKE_MODEL, every, reason)

    def let_check_credits(self, role: iam.Role) -> None:
        """Ask providers for their credit, keep what they say, and close the circuits of those who can be paid."""
        self.storage.let_guard(role)
        self._let_read_keys(role, [one for one in self.config.providers.values() if one.kind == "openrouter"])

    def let_look_at_providers(self, role: iam.Role) -> None:
        """See how providers are and whether they have keys, which stay unread; and change what stands before them."""
        self.storage.let_guard(role)
        if names := self._secrets_of(self.config.providers.values()):
            let(role, ("secretsmanager:DescribeSecret",), *names)

    def _let_read_provider_keys(self, role: iam.Role) -> None:
        self._let_read_keys(role, self.config.providers.values())

    def _let_read_keys(self, role: iam.Role, providers: Iterable[ProviderSettings]) -> None:
        if names := self._secrets_of(providers):
            let(role, _READ_SECRET, *names)

    def _secrets_of(self, providers: Iterable[ProviderSettings]) -> list[str]:
        names = sorted({provider.secret for provider in providers if provider.secret})
        return [self._secret(f"{name}-??????") for name in names]  # AWS adds six signs to each

    def _let_read_webhook_secrets(self, role: iam.Role) -> None:
        let_any(role, _READ_SECRET, self._secret("webhook/*"), _ONE_A_KEY)

    def _let_read_outbound_secrets(self, role: iam.Role) -> None:
        let_any(role, _READ_SECRET, self._secret("outbound/*"), "jobs name them; they come and go without a deploy")

    def _let_tell_channels(self, role: iam.Role) -> None:
        self.storage.let_tell_of_alerts(role)
        channels = self.config.alerts.channels.values()
        if secrets := sorted({channel.secret for channel in channels if channel.secret}):
            let(role, _READ_SECRET, *(self._secret(f"{name}-??????") for name in secrets))
        senders = {channel.sender for channel in channels if channel.sender}
        if identities := sorted(senders | {sender.partition("@")[2] for sender in senders}):
            let(role, ("ses:SendEmail",), *(self._identity(name) for name in identities))

    def _identity(self, name: str) -> str:
        """What SES has verified: an address, or its whole domain."""
        return self.stack.format_arn(service="ses", resource="identity", resource_name=name)

    def _let_erase_tenants(self, role: iam.Role) -> None:
        self.storage.let_erase_payloads(role)
        self.storage.let_revoke_keys(role)
        self.storage.let_erase_chats(role)
        self.storage.let_work_on_runs(role)
        self.storage.let_search_runs(role)
        let_any(role, ("states:StopExecution",), self._states("execution"), "whichever of a tenant's runs go on")
        self.schedules.let_unschedule(role)
        let_any(role, ("secretsmanager:DeleteSecret",), self._secret("webhook/*"), _ONE_A_KEY)

    def _secret(self, name: str) -> str:
        return self.stack.format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{self.stage.secret_prefix}{name}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
