"""Which refusal each of our errors, and each finding about a request, becomes. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from backstay.access.caller import Forbidden, Unauthenticated
from backstay.errors import BackstayError, ErrorClass, WorkError
from backstay.jobs.keys import InvalidTenantError

from .problems import FieldProblem, Kind, Refusal, invalid

_REMEDIES = {
    "missing": "required; add it",
    "extra_forbidden": "unknown; leave it out",
}
_SHOWN = 100


def refusal_of(error: BackstayError) -> Refusal | None:
    """The refusal that an error of ours means to whoever asked, or None when it is no fault of the request's."""
    match error:
        case Unauthenticated():
            return Refusal(Kind.UNAUTHENTICATED, str(error), headers={"WWW-Authenticate": "Bearer"})
        case Forbidden():
            return Refusal(Kind.FORBIDDEN, str(error))
        case InvalidTenantError():
            return invalid("tenant", str(error))
        case _:
            about = (_refusal_about_jobs, _refusal_about_runs, _refusal_about_money, _refusal_about_alerts)
            return next((refusal for of in about if (refusal := of(error))), None)


def refusal_of_findings(findings: Iterable[Mapping[str, Any]]) -> Refusal:
    """What pydantic found wrong with a request."""
    listed = list(findings)
    if any(finding["type"] == "json_invalid" for finding in listed):
        return Refusal(Kind.MALFORMED, f"the body is no JSON: {listed[0].get('ctx', {}).get('error', 'unreadable')}")
    errors = tuple(_field_problem(finding) for finding in listed)
    count = "1 field is" if len(errors) == 1 else f"{len(errors)} fields are"
    return Refusal(Kind.INVALID, f"{count} at fault: {', '.join(error.field for error in errors)[:300]}", errors=errors)


def _refusal_about_jobs(error: BackstayError) -> Refusal | None:
    # What these need is loaded already where they can be raised; a request that is refused at the gate needn't.
    from backstay.catalog import UnknownTaskError
    from backstay.circuits import UnknownCircuitError
    from backstay.jobs.control import NotPossibleError
    from backstay.jobs.paging import InvalidCursorError
    from backstay.jobs.pausing import PausingError
    from backstay.jobs.payloads import MissingPayloadError
    from backstay.jobs.submit import InvalidInputError, KeyConflictError, StepJobError

    from .job_view import path_of

    match error:
        case UnknownTaskError():
            known = ", ".join(error.known) or "none"
            return invalid("task", f"there is no such task; the tasks are {known}", _short(error.name))
        case InvalidInputError():
            errors = tuple(FieldProblem(field=e.field, message=e.message, value=e.value) for e in error.errors)
            return Refusal(Kind.INVALID, str(error)[:500], errors=errors)
        case UnknownCircuitError():
            return Refusal(Kind.NOT_FOUND, str(error))
        case KeyConflictError():
            return Refusal(Kind.CONFLICT, str(error), job=path_of(error.job_id))
        case NotPossibleError() | PausingError() | StepJobError():
            return Refusal(Kind.CONFLICT, str(error))
        case InvalidCursorError():
            return invalid("cursor", str(error))
        case MissingPayloadError():
            return Refusal(Kind.GONE, str(error))
        case WorkError() if error.failure.error_class is ErrorClass.UNREACHABLE:
            return Refusal(Kind.UNAVAILABLE, "AWS can't answer now; try again", headers={"Retry-After": "1"})
        case _:
            return None


def _refusal_about_runs(error: BackstayError) -> Refusal | None:
    from backstay.transactions import MetAnotherError
    from backstay.workflows.catalog import UnknownSagaError
    from backstay.workflows.kept_plans import SagaChangedError
    from backstay.workflows.run import IllegalRunMoveError
    from backstay.workflows.run_control import NotWaitingError, UnknownRunError
    from backstay.workflows.run_store import StaleRunError
    from backstay.workflows.starting import RunKeyConflictError
    from backstay.workflows.waits import AlreadyAnsweredError

    match error:
        case UnknownSagaError():
            known = ", ".join(error.known) or "none"
            return Refusal(Kind.NOT_FOUND, f"there is no saga {_short(error.name)!r}; the sagas are {known}")
        case UnknownRunError():
            return Refusal(Kind.NOT_FOUND, str(error))
        case RunKeyConflictError() | NotWaitingError() | AlreadyAnsweredError() | IllegalRunMoveError():
            return Refusal(Kind.CONFLICT, str(error))
        case SagaChangedError():
            return Refusal(Kind.CONFLICT, str(error))
        case StaleRunError() | MetAnotherError():
            return Refusal(Kind.UNAVAILABLE, str(error), headers={"Retry-After": "1"})
        case _:
            return None


def _refusal_about_money(error: BackstayError) -> Refusal | None:
    from backstay.budgets.elsewhere import UsageKeyConflictError
    from backstay.budgets.standing import LimitMovedError, UnknownScopeError

    match error:
        case UnknownScopeError():
            return invalid("cursor", str(error))
        case LimitMovedError() | UsageKeyConflictError():
            return Refusal(Kind.CONFLICT, str(error))
        case _:
            return None


def _refusal_about_alerts(error: BackstayError) -> Refusal | None:
    from backstay.alerts.alert import AlertOverError
    from backstay.alerts.store import InvalidCursorError, StaleAlertError

    match error:
        case AlertOverError():
            return Refusal(Kind.CONFLICT, str(error))
        case InvalidCursorError():
            return invalid("cursor", str(error))
        case StaleAlertError():
            return Refusal(Kind.UNAVAILABLE, str(error), headers={"Retry-After": "1"})
        case _:
            return None


def _field_problem(finding: Mapping[str, Any]) -> FieldProblem:
    where = [str(part) for part in finding["loc"]]
    if where and where[0] in ("body", "query", "path", "header"):
        where = where[1:] or where
    message = _REMEDIES.get(finding["type"], finding["msg"])
    value = None if finding["type"] == "missing" else _short(finding.get("input"))
    return FieldProblem(field=".".join(where) or "body", message=message, value=value)


def _short(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
