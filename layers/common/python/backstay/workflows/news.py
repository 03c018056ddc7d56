"""News of runs that last: what people are told begins, and once it is over they are told that too."""

from backstay.alerts.occurrence import Kind
from backstay.workflows.run import RunRecord, RunState

STUCK = "workflow.stuck"
COMPENSATION_FAILED = "workflow.compensation_failed"
APPROVAL_NEEDED = "workflow.approval_needed"

_OVER = {
    STUCK: "is no longer stuck",
    COMPENSATION_FAILED: "is being undone again",
    APPROVAL_NEEDED: "no longer waits for approval",
}


def over(old: RunRecord, new: RunRecord) -> tuple[str, ...]:
    """The rules whose news of a run is over when its record is written over another: pure."""
    ended = {
        STUCK: old.stuck is not None and old.stuck.is_told and new.stuck is None,
        COMPENSATION_FAILED: _left(RunState.COMPENSATION_FAILED, old, new),
        APPROVAL_NEEDED: _left(RunState.WAITING_FOR_APPROVAL, old, new),
    }
    return tuple(rule for rule, is_over in ended.items() if is_over)


def tell_what_is_over(old: RunRecord, new: RunRecord) -> None:
    """Tell people what of a run's news is over. That costs nobody's work: where it fails, the log says so."""
    for rule in over(old, new):
        from backstay.alerts.reporting import report

        text = f"Run {new.id} of saga {new.saga} {_OVER[rule]}: it is {new.state}."
        report(rule, new.id, text, kind=Kind.ENDS, tenant=new.tenant)


def _left(state: RunState, old: RunRecord, new: RunRecord) -> bool:
    return old.state is state and new.state is not state
