"""What becomes of a breaker's change of state: a metric, and a log line that a rule can match."""

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition

from backstay.telemetry import Metric, emit, logger

EVENT = "circuit_changed"
"""The `event` of the log line; a subscription filter turns it into an EventBridge event."""


def announce(transition: CircuitTransition) -> None:
    """Write one metric line and one log line. Called once a transition, by the process that made it."""
    metrics = (Metric("CircuitTransitions", 1), Metric("CircuitOpened", transition.to_state is CircuitState.OPEN))
    emit(metrics, {"circuit": transition.circuit_name}, {"from": transition.from_state, "to": transition.to_state})
    write = logger().info if transition.to_state is CircuitState.CLOSED else logger().warning
    write(
        f"circuit {transition.circuit_name} went from {transition.from_state} to {transition.to_state}",
        event=EVENT,
        circuit=transition.circuit_name,
        before=str(transition.from_state),
        after=str(transition.to_state),
        opened_at=transition.opened_at,
    )


def announce_unreadable(circuit: str) -> None:
    """The state of a circuit can't be read, and calls are made without. Called once for a stretch of that."""
    emit([Metric("CircuitStateUnreadable", 1)], {"circuit": circuit})
    logger().warning("circuit state can't be read; calls are made without", circuit=circuit, exc_info=True)
