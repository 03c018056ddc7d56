"""Sagas as runs were started with them: a run is shown and gone on with by its own plan, whatever is deployed since."""

from collections.abc import Collection

from backstay import aws
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError
from backstay.jobs.payloads import pack, unpack
from backstay.workflows.catalog import Sagas
from backstay.workflows.plan import SagaPlan, StepPlan
from backstay.workflows.run import RunRecord


class SagaChangedError(BackstayError):
    """A run's saga has changed since in a way that the run can't go on by."""

    def __init__(self, record: RunRecord, lost: Collection[str]) -> None:
        names = ", ".join(map(repr, lost))
        super().__init__(
            f"saga {record.saga!r} has changed since run {record.id} was started; to go on, it needs {names} as before"
            " (the same task, in the same order, with an undo where there was one): deploy it so, and try again"
        )


class KeptPlans:
    """One item for each version of a saga that runs were started with.

    Args:
        table: the workflows table.
        sagas: those that are deployed.
    """

    def __init__(self, table: str, sagas: Sagas) -> None:
        self._table, self._sagas = table, sagas
        self._known: dict[tuple[str, str], SagaPlan] = {}

    def keep(self, plan: SagaPlan) -> None:
        """Write a plan down; once a process, and harmless when repeated."""
        place = (plan.name, plan.version)
        if place in self._known:
            return
        item = {**_key(*place), "plan": pack(plan.model_dump_json())}
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))
        self._known[place] = plan

    def of(self, record: RunRecord) -> SagaPlan | None:
        """The plan that a run was started with.

        A run from before plans were kept has today's; None where its saga is no longer deployed either.
        """
        today = self._sagas.find(record.saga)
        if record.plan is None or (today and today.version == record.plan):
            return today
        return self._read(record.saga, record.plan) or today

    def has_changed(self, record: RunRecord) -> bool:
        """Whether its saga is no longer as the run was started with it."""
        today = self._sagas.find(record.saga)
        return today is None or record.plan not in (None, today.version)

    def _read(self, saga: str, version: str) -> SagaPlan | None:
        if plan := self._known.get((saga, version)):
            return plan
        key = encode_item(_key(saga, version))
        answer = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            return None
        plan = SagaPlan.model_validate_json(unpack(decode_item(answer["Item"])["plan"]))
        self._known[saga, version] = plan
        return plan


def lost_steps(kept: SagaPlan, today: SagaPlan, names: Collection[str]) -> tuple[str, ...]:
    """Which of these steps of a run today's saga would do otherwise: pure.

    Args:
        kept: the plan that the run was started with.
        today: the plan by which it is to go on.
        names: of steps that were done, or are to be undone.
    """
    now = {step.name: step for step in today.steps}
    concerned = [step for step in kept.steps if step.name in names]
    lost = tuple(step.name for step in concerned if not _stands(step, now.get(step.name)))
    order = [list(now).index(step.name) for step in concerned if not lost]
    return lost if order == sorted(order) else tuple(step.name for step in concerned)


def _stands(step: StepPlan, now: StepPlan | None) -> bool:
    if now is None or (step.kind, step.task, step.event) != (now.kind, now.task, now.event):
        return False
    return step.undo is None or now.undo is not None  # by which task it is undone may change: that mends undos


def _key(saga: str, version: str) -> dict[str, str]:
    return {"id": f"plan#{saga}", "part": version}
