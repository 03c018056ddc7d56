"""From a saga's declaration to the plain data that functions know of it. Run at synth only."""

from collections.abc import Iterable

from backstay.workflows.catalog import SagaFile
from backstay.workflows.picture import picture
from backstay.workflows.plan import SagaPlan, StepKind, StepPlan
from backstay.workflows.saga import AnyStep, Saga, Step


def file_of(sagas: Iterable[Saga]) -> str:
    """The contents of `sagas.json`."""
    return SagaFile(sagas=tuple(plan_of(saga) for saga in sagas)).model_dump_json()


def plan_of(saga: Saga) -> SagaPlan:
    """What functions know of a saga."""
    return SagaPlan(
        name=saga.name,
        description=saga.description,
        input_model=f"{saga.input.__module__}:{saga.input.__qualname__}",
        input_schema=saga.input.model_json_schema(),
        facts=saga.facts_of("input"),
        steps=tuple(_step(saga, step) for step in saga.steps),
        picture=picture(saga),
        stuck_after_s=saga.stuck_after_s,
    )


def _step(saga: Saga, step: AnyStep) -> StepPlan:
    if not isinstance(step, Step):
        return StepPlan(name=step.name, kind=StepKind(step.kind), event=step.event)
    return StepPlan(
        name=step.name,
        task=step.task,
        undo=step.undo.task if step.undo else None,
        facts=saga.facts_of(step.name),
        stuck_after_s=step.stuck_after_s,
    )
