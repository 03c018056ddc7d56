"""What a person may do to a run: let it go on or not, call it off, run it anew."""

from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.launching import Launcher
from backstay.workflows.run import RunRecord, RunState, Wait, WaitKind
from backstay.workflows.run_inputs import RunInputs
from backstay.workflows.run_store import RunStore
from backstay.workflows.starting import Start, Starter
from backstay.workflows.waits import Answer, Verdict, Waits, is_waiting


class NotWaitingError(BackstayError):
    """The run waits for nobody's consent."""


class UnknownRunError(BackstayError):
    """There is no such run, or it is another tenant's, or past its retention."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"there is no run {run_id[:100]!r}; it may be past its retention")


class RunControl:
    """Approve, reject, abort and redrive. Asked for again, each does nothing more."""

    def __init__(self, env: Environment, sagas: Sagas, clock: Clock = utc_now) -> None:
        self._sagas, self._clock = sagas, clock
        self._runs, self._waits = RunStore(env.workflows_table), Waits(env.workflows_table, clock)
        self._launcher, self._starter = Launcher(env, sagas, clock), Starter(env, sagas, clock)
        self._inputs = RunInputs(env)

    def approve(self, run_id: str, by: str, why: str = "") -> RunRecord:
        """Let a run that waits for a person's word go on.

        Args:
            run_id: which.
            by: the API key of the person.
            why: for the record.

        Raises:
            UnknownRunError: there is none.
            NotWaitingError: it waits for nobody's consent.
            AlreadyAnsweredError: it was rejected before.
        """
        return self._answer(run_id, Verdict.APPROVED, by, why)

    def reject(self, run_id: str, by: str, why: str = "") -> RunRecord:
        """Let what a run has done be undone, since a person doesn't want it to go on.

        Raises:
            UnknownRunError, NotWaitingError: as `approve`.
            AlreadyAnsweredError: it was approved before.
        """
        return self._answer(run_id, Verdict.REJECTED, by, why)

    def abort(self, run_id: str) -> RunRecord:
        """Stop a run and undo what it has done.

        Raises:
            UnknownRunError: there is none.
            IllegalRunMoveError: it is over, or is being undone already.
            UnknownSagaError: its saga is no longer deployed.
            SagaChangedError: by today's saga not all could be undone that it has done.
        """
        self._launcher.check(self._get(run_id).aborting(self._clock()))
        aborting = self._runs.change(run_id, lambda record: record.aborting(self._clock()))
        if aborting is None:
            raise UnknownRunError(run_id)
        self._launcher.launch(aborting)
        return aborting

    def redrive(self, run_id: str, by: str) -> RunRecord:
        """Go on from where a run failed. A run that is undone is started anew, as another run; answers that one.

        Raises:
            UnknownRunError: there is none.
            IllegalRunMoveError: its state leads nowhere from here.
            UnknownSagaError: its saga is no longer deployed.
            SagaChangedError: today's saga would do otherwise what is done, or not undo what is to be undone.
            MissingPayloadError: what it was started with is past its retention.
        """
        record = self._get(run_id)
        self._sagas.get(record.saga)
        document = self._inputs.get(run_id)
        if record.state is RunState.COMPENSATED:
            anew = Start(
                saga=record.saga,
                tenant=record.tenant,
                input=document,
                key=f"redrive of {run_id}",
                pre_approved=record.pre_approved,
                key_id=by,
                redrive_of=run_id,
            )
            started = self._starter.start(anew).record
            self._runs.change(run_id, lambda old: old.redriven(started.id))
            return started
        self._launcher.check(record.redriving(self._clock()))
        redriving = self._runs.change(run_id, lambda old: old.redriving(self._clock()))
        if redriving is None:
            raise UnknownRunError(run_id)
        self._runs.let_parts_expire(run_id, None)
        self._launcher.launch(redriving)
        return redriving

    def _answer(self, run_id: str, verdict: Verdict, by: str, why: str) -> RunRecord:
        record = self._get(run_id)
        wait = self._awaited(record)
        payload = {str(verdict): True, "by": by, "why": why}
        self._waits.answer(run_id, wait.event, Answer(verdict, payload, self._clock(), by, why))
        return self._get(run_id)

    def _awaited(self, record: RunRecord) -> Wait:
        """The wait that is to be answered, or has been a moment ago: an answer that is repeated is told again."""
        wait = record.wait
        was_answered = wait is not None and wait.kind is WaitKind.APPROVAL and wait.is_answered
        if (
            wait is None
            or record.state.is_end
            or not (was_answered or is_waiting(record, self._clock(), WaitKind.APPROVAL))
        ):
            raise NotWaitingError(f"run {record.id} is {record.state_at(self._clock())}; it waits for nobody's consent")
        return wait

    def _get(self, run_id: str) -> RunRecord:
        record = self._runs.get(run_id)
        if record is None:
            raise UnknownRunError(run_id)
        return record
