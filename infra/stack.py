"""The stack: everything of one stage, derived from the tasks that it finds."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import ArnFormat, CfnOutput, Fn, Stack
from constructs import Construct

from backstay import config
from backstay.alerts.rules import rules
from backstay.alerts.telling import ALERT_TASK
from backstay.budgets.gauges import gauged_scopes
from backstay.budgets.scope import limits_of
from backstay.catalog import AnyTask
from backstay.settings import SettingsError
from backstay.telemetry import LOG_LEVEL
from backstay.tracing.sampling import SAMPLE_VARIABLE, XRAY_VARIABLE
from backstay.workflows.planning import file_of
from infra.alarm_topic import AlarmTopic
from infra.alerting import Alerting, AlertingProps
from infra.api import Api, ApiProps
from infra.budget_alarms import watch_budgets
from infra.changes import Changes, ChangesProps
from infra.code import WEBHOOK_TASK, FunctionsFolder
from infra.credits import Credits, CreditsProps
from infra.dashboard import Watched
from infra.encryption import Encryption
from infra.escalation import Escalation, EscalationProps
from infra.function import Surroundings
from infra.function_alarms import watch_concurrency
from infra.layer import LayerProps, Layers
from infra.ledger import Ledger, LedgerProps
from infra.live import Live, LiveProps
from infra.own_rules import watch_own_metrics
from infra.provider_alarms import watch_calls, watch_hosts
from infra.provider_trial import ProviderTrial, ProviderTrialProps
from infra.reach import Reach
from infra.saga import SagaMachine, SagaProps, check_tasks
from infra.saga_alarms import watch_saga
from infra.saga_check import check
from infra.sagas_folder import SagasFolder
from infra.schedules import Schedules, SchedulesProps
from infra.stage import Stage
from infra.storage import Storage, StorageProps
from infra.sweep import Sweep, SweepProps
from infra.table_alarms import OPERATIONS, watch_tables
from infra.task_queue import TaskQueue, TaskQueueProps
from infra.watch import Watch, WatchProps
from infra.watch_stack import WatchStack
from infra.worker import Worker, WorkerProps


@dataclass(frozen=True, slots=True)
class BackstayProps:
    """What is deployed, and as which stage."""

    stage: Stage
    config: Path
    """The backstay.toml that functions will read."""
    folder: FunctionsFolder
    sagas: SagasFolder
    gateway: str | None = None
    """Below which URL the embedded cloud's APIs are reached, by their ids; None on AWS, where each has a name."""


class BackstayStack(Stack):
    """One stage of Backstay."""

    def __init__(self, scope: Construct, props: BackstayProps) -> None:
        stage = props.stage
        super().__init__(
            scope,
            stage.stack_name,
            description=f"Backstay ({stage.name}): LLM work that holds",
            termination_protection=stage.is_protected,
            tags={"application": "backstay", "stage": stage.name},
        )
        self._props = props
        self._settings = config.read(props.config)
        self._tasks = tuple(props.folder.catalog())
        self._sagas = props.sagas.sagas(self._settings)
        check_routes(self._tasks, self._settings)
        self._encryption = Encryption(self, "Encryption", stage)
        self._topic = AlarmTopic(self, "Alarms", stage, self._encryption).topic
        self.watching = WatchStack(scope, stage, rules(self._settings.alerts))
        self.watching.add_stack_dependency(self)
        self._alarms = self.watching.alarms
        self._storage = Storage(self, "Storage", StorageProps(stage, self._encryption, self._settings.jobs))
        self._schedules = Schedules(self, "Schedules", SchedulesProps(stage))
        self._queues = {task.name: self._queue(task) for task in self._tasks}
        self._escalation = self._escalate()
        api = self._build_functions()
        self._build_sagas()
        self._watch(api)
        for task in self._tasks:
            sys.stderr.write(f"{describe(task)}\n")

    def _escalate(self) -> Escalation:
        props, queue = self._props, self._queues[ALERT_TASK]
        made_of = EscalationProps(self._settings.alerts, props.stage, self._encryption, self._storage, queue)
        return Escalation(self, "Escalation", made_of)

    def _queue(self, task: AnyTask) -> TaskQueue:
        props = TaskQueueProps(self._props.stage, self._encryption, self._alarms, task)
        queue = TaskQueue(self, f"{_pascal(task.name)}Queue", props)
        queue.let_send(self._schedules.role)
        return queue

    def _build_functions(self) -> Api:
        props = self._props
        self._encryption.let_use(self._schedules.role, "sqs")
        layers = Layers(
            self, "Layers", LayerProps(props.config, file_of(self._sagas), props.folder.platform, props.folder.build)
        )
        reach = self._reach()
        around = Surroundings(props.stage, self._encryption, self._alarms, self._environment())
        trial = ProviderTrial(self, "ProviderTrial", around, ProviderTrialProps(props.folder, layers, reach))
        live = Live(self, "Live", around, LiveProps(props.folder, layers, self._storage, props.gateway))
        api = Api(
            self, "Api", around, ApiProps(props.folder, layers, reach, trial, live.url, self._settings.cors_origins)
        )
        for task in self._tasks:
            more = {"BACKSTAY_API_URL": api.url} if task.name == ALERT_TASK else {}
            made_of = WorkerProps(task, self._queues[task.name], props.folder, layers, reach, more)
            Worker(self, _pascal(task.name), around, made_of)
        Sweep(self, "Sweep", around, SweepProps(props.folder, layers, reach))
        Credits(self, "Credits", around, CreditsProps(props.folder, layers, reach))
        Changes(self, "Changes", around, ChangesProps(props.folder, layers, reach, live))
        Alerting(self, "Alerting", around, AlertingProps(props.folder, layers, reach, self._topic, live))
        Ledger(self, "Ledger", around, LedgerProps(props.folder, layers, reach))
        Watch(self, "Watch", around, WatchProps(props.folder, layers, reach, live))
        self._tell(api.url, around.environment)
        CfnOutput(self, "LiveUrl", value=live.url)
        if props.folder.platform.name == "lambda":  # the embedded cloud serves the same files itself
            self._build_page(api.url, live.host)
        return api

    def _reach(self) -> Reach:
        return Reach(
            self,
            self._props.stage,
            self._settings,
            self._storage,
            self._schedules,
            self._queues,
            self._escalation,
        )

    def _build_sagas(self) -> None:
        tasks = {task.name: task for task in self._tasks}
        for saga in self._sagas:
            check(saga, tasks)
            check_tasks(saga, tasks)
            made_of = SagaProps(saga, self._props.stage, self._encryption, tasks, self._queues)
            SagaMachine(self, f"{_pascal(saga.name)}Saga", made_of)
            watch_saga(self._alarms, saga.name)

    def _watch(self, api: Api) -> None:
        """What is no single function's or queue's to be watched for."""
        # Always, looked at or not: an export that is in use can't be taken back by the stack that is deployed first.
        for generated in (api.id, *(table.table_name for table in self._storage.tables)):
            self.export_value(generated)
        self.watching.show(self._watched(api))
        watch_concurrency(self._alarms)
        watch_own_metrics(self._alarms, self._settings.alerts)
        watch_tables(self._alarms, self._storage)
        watch_calls(self._alarms, self._settings)
        watch_hosts(self._alarms, self._settings)
        watch_budgets(self._alarms, self._settings)

    def _watched(self, api: Api) -> Watched:
        settings = self._settings
        return Watched(
            prefix=self._props.stage.prefix,
            tasks=self._tasks,
            sagas=[saga.name for saga in self._sagas],
            providers=list(settings.providers),
            budgets={scope: list(limits_of(scope, settings.budgets)) for scope in gauged_scopes(settings)},
            tables={name: getattr(self._storage, name).table_name for name in OPERATIONS},
            api_id=api.id,
        )

    def _build_page(self, api_url: str, live_host: str) -> None:
        from infra.page import Page, PageProps, build_page  # CloudFront's part of the library takes a while to load

        files = build_page(self._props.folder.build)
        page = Page(self, "Page", PageProps(self._props.stage, files, api_url, live_host))
        CfnOutput(self, "PageUrl", value=page.url)

    def _environment(self) -> dict[str, str]:
        stage, storage = self._props.stage, self._storage
        return {
            LOG_LEVEL: self._settings.log_level,
            "BACKSTAY_STAGE": stage.name,
            "BACKSTAY_JOBS_TABLE": storage.jobs.table_name,
            "BACKSTAY_CONTENT_TABLE": storage.content.table_name,
            "BACKSTAY_KEYS_TABLE": storage.keys.table_name,
            "BACKSTAY_CACHE_TABLE": storage.cache.table_name,
            "BACKSTAY_GUARDS_TABLE": storage.guards.table_name,
            "BACKSTAY_IDEMPOTENCY_TABLE": storage.idempotency.table_name,
            "BACKSTAY_CHATS_TABLE": storage.chats.table_name,
            "BACKSTAY_WORKFLOWS_TABLE": storage.workflows.table_name,
            "BACKSTAY_ALERTS_TABLE": storage.alerts.table_name,
            "BACKSTAY_CONNECTIONS_TABLE": storage.connections.table_name,
            "BACKSTAY_PAYLOADS_BUCKET": storage.payloads.bucket_name,
            "BACKSTAY_QUEUE_URL_PREFIX": self._queue_url_prefix(),
            "BACKSTAY_QUEUE_ARN_PREFIX": self.format_arn(
                service="sqs", resource=stage.prefix, arn_format=ArnFormat.NO_RESOURCE_NAME
            ),
            "BACKSTAY_STATE_MACHINE_ARN_PREFIX": self.format_arn(
                service="states",
                resource="stateMachine",
                resource_name=stage.prefix,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            "BACKSTAY_SCHEDULE_GROUP": self._schedules.group.schedule_group_name,
            "BACKSTAY_SCHEDULE_ROLE_ARN": self._schedules.role.role_arn,
            "BACKSTAY_SECRET_PREFIX": stage.secret_prefix,
            "BACKSTAY_FUNCTION_PREFIX": stage.prefix,
            **self._tracing(),
        }

    def _tracing(self) -> dict[str, str]:
        tracing = self._settings.tracing
        has_xray = self._props.folder.platform.name == "lambda"  # the embedded cloud has none: its traces are in logs
        return {SAMPLE_VARIABLE: f"{tracing.sample:f}", XRAY_VARIABLE: str(int(tracing.xray and has_xray))}

    def _queue_url_prefix(self) -> str:
        """What every queue's URL starts with, read off one of them: URLs differ between partitions and endpoints."""
        name, queue = next(iter(self._queues[WEBHOOK_TASK].queues.items()))
        return Fn.select(0, Fn.split(name, queue.queue_url))

    def _tell(self, api_url: str, environment: Mapping[str, str]) -> None:
        outputs = {
            "ApiUrl": api_url,
            "JobsTable": environment["BACKSTAY_JOBS_TABLE"],
            "ContentTable": environment["BACKSTAY_CONTENT_TABLE"],
            "KeysTable": environment["BACKSTAY_KEYS_TABLE"],
            "WorkflowsTable": environment["BACKSTAY_WORKFLOWS_TABLE"],
            "AlertsTable": environment["BACKSTAY_ALERTS_TABLE"],
            "PayloadsBucket": environment["BACKSTAY_PAYLOADS_BUCKET"],
            "QueueUrlPrefix": environment["BACKSTAY_QUEUE_URL_PREFIX"],
            "Stage": environment["BACKSTAY_STAGE"],
            "ScheduleGroup": environment["BACKSTAY_SCHEDULE_GROUP"],
            "SecretPrefix": environment["BACKSTAY_SECRET_PREFIX"],
            "AlarmTopic": self._topic.topic_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def check_routes(tasks: Iterable[AnyTask], settings: config.Config) -> None:
    """See to it that the routes of every task lead somewhere, before anything is deployed.

    Raises:
        SettingsError: names the task, the route, and what to do.
    """
    for task in tasks:
        try:
            settings.check_routes(f"task {task.name!r}", task.model_use.all_routes())
        except ValueError as error:
            raise SettingsError(str(error)) from error


def describe(task: AnyTask) -> str:
    """What comes of a task's `concurrency`, for whoever synthesises."""
    limits, queues = task.limits, len(task.queue_names())
    each = f"{queues} queues, each" if queues > 1 else "1 queue,"
    at_once = f"up to {limits.batch_size * limits.max_workers} jobs at once"
    workers = f"{limits.max_workers} workers with batches of {limits.batch_size}"
    return f"{task.name}: {each} {at_once} ({workers}); timeout {limits.function_timeout_s} s, lease {limits.lease_s} s"


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))
