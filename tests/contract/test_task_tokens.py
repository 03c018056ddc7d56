"""Step Functions' task tokens: what a state hears that waits for a job, and what is answered to who tells it."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.clouds import ACCEPTED, Cloud, eventually, outcome, unique
from tests.contract.deviations import CLOSED_TOKENS, SILENCE, STOPPED_TOKENS, STRANGE_TOKENS

_API = "Step Functions API reference, "
_SUCCESS = _API + "SendTaskSuccess"
_CATCH = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Over"}


@dataclass
class Waiting:
    """An execution with one state that waits for a token."""

    cloud: Cloud
    arn: str
    token: str
    body: dict[str, Any]

    @classmethod
    def begin(cls, cloud: Cloud, **state: Any) -> "Waiting":
        queue = cloud.queue()
        waits = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {
                "QueueUrl": queue.url,
                "MessageBody": {"step": {"token.$": "$$.Task.Token", "entered_at.$": "$$.State.EnteredTime"}},
            },
            "ResultPath": "$.answer",
            "Catch": [_CATCH],
            "Next": "Over",
            **state,
        }
        machine = {"StartAt": "Waits", "States": {"Waits": waits, "Over": {"Type": "Pass", "End": True}}}
        sfn = cloud.client("stepfunctions")
        made = sfn.create_state_machine(
            name=unique("machine"),
            definition=json.dumps(machine),
            roleArn=f"arn:aws:iam::{cloud.account}:role/saga",
        )
        arn = sfn.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps({"run_id": "r"}))
        body = json.loads(queue.receive_one(wait_s=5)["Body"])
        return cls(cloud, arn["executionArn"], body["step"]["token"], body)

    def succeed(self, output: str = '{"job_id": "j"}') -> str:
        sfn = self.cloud.client("stepfunctions")
        return outcome(lambda: sfn.send_task_success(taskToken=self.token, output=output))

    def fail(self) -> str:
        sfn = self.cloud.client("stepfunctions")
        return outcome(lambda: sfn.send_task_failure(taskToken=self.token, error="rejected", cause="told to"))

    def output(self) -> Any:
        """What the execution came to."""
        sfn = self.cloud.client("stepfunctions")
        eventually(lambda: sfn.describe_execution(executionArn=self.arn)["status"] != "RUNNING")
        return json.loads(sfn.describe_execution(executionArn=self.arn)["output"])


def test_an_answer_becomes_the_states_result_and_comes_but_once(emulator: Cloud):
    waiting = Waiting.begin(emulator)
    first, output, again = waiting.succeed(), waiting.output(), waiting.succeed()
    emulator.does((first, output["answer"]), aws=(ACCEPTED, {"job_id": "j"}), source=_SUCCESS)
    source = _SUCCESS + ": TaskTimedOut, the task has already been closed"
    emulator.does(again, aws="TaskTimedOut", source=source, but=CLOSED_TOKENS)


def test_a_failure_is_caught_with_its_error_and_cause(emulator: Cloud):
    waiting = Waiting.begin(emulator)
    first, output, again = waiting.fail(), waiting.output(), waiting.fail()
    failure = {"Error": "rejected", "Cause": "told to"}
    emulator.does((first, output["failure"]), aws=(ACCEPTED, failure), source=_API + "SendTaskFailure")
    emulator.does(again, aws="TaskTimedOut", source=_API + "SendTaskFailure: TaskTimedOut", but=CLOSED_TOKENS)


def test_an_answer_that_comes_after_the_states_time_is_refused(emulator: Cloud):
    waiting = Waiting.begin(emulator, TimeoutSeconds=1)
    output, late = waiting.output(), waiting.succeed()
    emulator.does(output["failure"]["Error"], aws="States.Timeout", source="Amazon States Language, Timeouts")
    emulator.does(late, aws="TaskTimedOut", source=_SUCCESS, but=CLOSED_TOKENS)


def test_an_answer_to_an_execution_that_was_stopped_is_refused(emulator: Cloud):
    waiting = Waiting.begin(emulator)
    emulator.client("stepfunctions").stop_execution(executionArn=waiting.arn)
    emulator.does(waiting.succeed(), aws="TaskTimedOut", source=_SUCCESS, but=STOPPED_TOKENS)


@pytest.mark.parametrize("token", ["no token", "x" * 1024])
def test_what_was_never_a_token_is_refused_as_such(emulator: Cloud, token: str):
    sfn = emulator.client("stepfunctions")
    seen = outcome(lambda: sfn.send_task_success(taskToken=token, output="{}"))
    emulator.does(seen, aws="InvalidToken", source=_SUCCESS, but=STRANGE_TOKENS)


def test_a_state_tells_when_it_was_entered_in_a_form_that_sorts(emulator: Cloud):
    waiting = Waiting.begin(emulator)
    entered_at = waiting.body["step"]["entered_at"]
    seen = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", entered_at) is not None
    waiting.succeed()
    emulator.does(seen, aws=True, source="Step Functions developer guide, Context object")


def test_a_state_that_hears_no_heartbeat_gives_up(emulator: Cloud):
    waiting = Waiting.begin(emulator, HeartbeatSeconds=1, TimeoutSeconds=3)
    error = waiting.output()["failure"]["Error"]
    emulator.does(error, aws="States.HeartbeatTimeout", source="Amazon States Language, Timeouts", but=SILENCE)
