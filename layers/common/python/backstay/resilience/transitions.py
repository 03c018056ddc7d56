"""What becomes of a breaker's change of state: a metric, a log line, and an alert while it is open."""

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition

from backstay.telemetry import Metric, emit, logger

RULE = "api.circuit_breaker"


def announce(transition: CircuitTransition) -> None:
    """Write a metric line and a log line, and tell people. Called once a transition, by the process that made it."""
    metrics = (Metric("CircuitTransitions", 1), Metric("CircuitOpened", transition.to_state is CircuitState.OPEN))
    emit(metrics, {"circuit": transition.circuit_name}, {"from": transition.from_state, "to": transition.to_state})
    write = logger().info if transition.to_state is CircuitState.CLOSED else logger().warning
    write(
        f"circuit {transition.circuit_name} went from {transition.from_state} to {transition.to_state}",
        event="circuit_changed",
        circuit=transition.circuit_name,
        before=str(transition.from_state),
        after=str(transition.to_state),
        opened_at=transition.opened_at,
    )
    _tell_people(transition)


def _tell_people(transition: CircuitTransition) -> None:
    """A probe that fails opens a circuit again, which is the same alert."""
    from backstay.alerts.occurrence import Kind
    from backstay.alerts.reporting import report

    name = transition.circuit_name
    match transition.to_state:
        case CircuitState.OPEN:
            text = f"Circuit {name} is open: no call is made there. See why: backstay breakers ls"
            report(RULE, name, text, kind=Kind.BEGINS)
        case CircuitState.CLOSED:
            report(RULE, name, f"Circuit {name} is closed again", kind=Kind.ENDS)


def announce_unreadable(circuit: str) -> None:
    """The state of a circuit can't be read, and calls are made without. Called once for a stretch of that."""
    emit([Metric("CircuitStateUnreadable", 1)], {"circuit": circuit})
    logger().warning("circuit state can't be read; calls are made without", circuit=circuit, exc_info=True)
