"""Messages: anything may come, and only a job gets through."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.clock import utc_now
from backstay.jobs.message import JobMessage, NotAJobError, RawMessage, read, write
from backstay.jobs.record import JobRecord, State

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["task", "input", "input_ref", "idempotency_key", "tenant", "priority", "tags", "callback_url", "version", "job_id"]
)


@given(st.text(max_size=200))
def test_any_text_is_a_message_or_says_why_not(body):
    with pytest.raises(NotAJobError):
        read(body, "id", "obey")


@given(st.dictionaries(fields, json_values | st.just("obey"), max_size=10))
def test_any_document_is_a_message_or_says_why_not(document):
    with contextlib.suppress(NotAJobError):
        message = read(json.dumps(document | {"task": "obey"}), "id", "obey")
        assert isinstance(message, JobMessage | RawMessage)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"input": {}}, "'task' is None"),
        ({"task": "other", "input": {}}, "'task' is 'other'"),
        ({"task": "obey", "input": []}, "'input' must be a JSON object"),
        ({"task": "obey"}, "either 'input' or 'input_ref'"),
        ({"task": "obey", "input": {}, "prio": 1}, r"unknown fields \['prio'\]"),
        ({"task": "obey", "input": {}, "tenant": "A B"}, "tenant 'A B'"),
        ({"task": "obey", "input": {}, "version": "2"}, "'version' must be a whole number"),
        ({"task": "obey", "input": {}, "tags": "a"}, "'tags' must be a list"),
        ({"task": "obey", "job_id": "../x"}, "which no job can have"),
    ],
)
def test_what_is_wrong_is_named(document, says):
    with pytest.raises(NotAJobError, match=says):
        read(json.dumps(document), "id", "obey")


def test_a_plain_message_without_a_key_takes_the_messages_id():
    message = read('{"task": "obey", "input": {}}', "m-1", "obey")
    assert isinstance(message, RawMessage)
    assert (message.idempotency_key, message.tenant, message.version) == ("m-1", "default", 1)


@given(st.text())
def test_whatever_text_an_input_has_its_message_is_one_that_sqs_takes(text):
    now = utc_now()
    record = JobRecord("acme.job", "obey", State.WAITING, "key", "digest", created_at=now, changed_at=now)
    body = write(record, {"text": text})
    assert body.isascii()
    assert json.loads(body)["input"] == {"text": text}
