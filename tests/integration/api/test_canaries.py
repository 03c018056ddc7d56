"""Secrets and private words that sing where they must not be: in logs, metrics, records, messages and answers.

Jobs end in every way there is, and requests are refused in every way; then everything that was written is searched.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from backstay import aws
from backstay.settings import Environment

WORDS = "canary-words-of-a-customer"
"""What a caller brings: kept as the job's input, and written nowhere else."""
KEPT_IN = {"result"}
"""Where a job's record holds a small result. Inputs, and messages that are none, are items of their own."""
PROVIDER_KEY, OUTBOUND_SECRET = "canary-key-of-a-provider", "canary-secret-of-a-host"


@pytest.fixture
def secrets(cloud: Environment, told: None) -> list[str]:
    """Secrets of the stage, but for those of keys."""
    for name, value in (("provider/anthropic", PROVIDER_KEY), ("outbound/crm", OUTBOUND_SECRET)):
        aws.secretsmanager().create_secret(Name=cloud.secret_prefix + name, SecretString=value)
    return [PROVIDER_KEY, OUTBOUND_SECRET]


def everything_that_can_happen(client, machine, caller) -> list[str]:
    """Answers of the API to requests that go well and badly, while jobs come to every end."""
    answers = []

    def ask(method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = caller(method, path, body, **more)
        answers.append(f"{path} {answer.text} {answer.headers}")
        return answer

    def submit(**order: Any) -> str:
        job: str = ask("POST", "/api/jobs", {"task": "obey", "input": {"text": WORDS, **order}}).json["id"]
        return job

    jobs = [
        submit(),
        submit(reject=True),
        submit(fail_attempts=3),
        submit(not_now_until=1),
        submit(answer_bytes=300_000),
    ]
    called_off = submit()
    ask("POST", f"/api/jobs/{called_off}/cancel")
    for body in (
        {"id": 17, "input": WORDS},
        WORDS,
        {"task": "nobody", "input": {"text": WORDS}},
        {"text": WORDS, "no": 1},
    ):
        machine.send_raw("obey", body)
    for _ in range(4):
        machine.deliver("obey")
        machine.make_visible("obey")
    states = {machine.record(job).state for job in (*jobs, called_off)}
    assert {str(state) for state in states} >= {"completed", "failed", "cancelled"}
    ask("POST", "/api/jobs", {"task": "obey", "input": {"text": 1, WORDS: 1}})
    ask("POST", "/api/jobs", raw='{"task": "obey", "input": "' + WORDS)
    ask("POST", "/api/jobs", {"task": "obey", "input": {"text": WORDS}, "callback_url": f"http://{WORDS}@10.0.0.1/"})
    ask("GET", f"/api/jobs/{jobs[0]}")
    for path in (
        "/api/jobs",
        "/api/stats",
        "/api/dead-letters",
        "/api/config",
        "/api/providers",
        "/api/overview",
        "/api/workers",
        "/api/integrations",
        "/metrics",
        "/health",
        "/openapi.json",
    ):
        ask("GET", path)
    return answers


def items(env: Environment) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every item of every table."""
    for table in aws.dynamodb().list_tables()["TableNames"]:
        for item in aws.dynamodb().scan(TableName=table)["Items"]:
            yield table, item


def test_no_secret_is_written_anywhere_and_no_words_but_where_they_are_kept(
    cloud, client, issue, machine, secrets, capsys, caplog
) -> None:
    issued = issue("*", webhook=True)
    caller = client()
    caller.key = issued.key
    answers = everything_that_can_happen(client, machine, caller)
    written = capsys.readouterr()
    logged = written.out + written.err + "".join(str(vars(record)) for record in caplog.records)
    kept = [(table, json.dumps(item)) for table, item in items(cloud)]
    hidden = [*secrets, issued.key, issued.key.split("_")[2], issued.webhook_secret]

    assert '"CloudWatchMetrics"' in logged  # metrics are lines of the log
    assert [secret for secret in hidden if secret in logged] == []
    assert [table for table, text in kept for secret in hidden if secret in text] == []
    assert [answer[:200] for answer in answers for secret in hidden if secret in answer] == []
    assert WORDS not in logged
    assert any(WORDS in text for _, text in kept)
    elsewhere = [
        (table, item.get("part"))
        for table, item in items(cloud)
        if WORDS in json.dumps({name: value for name, value in item.items() if name not in KEPT_IN})
        and item.get("part") not in ({"S": "input"}, {"S": "poison"})
    ]
    assert elsewhere == []
