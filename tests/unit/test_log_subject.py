"""What log lines are about."""

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from backstay.telemetry import logger, name_subject, name_subject_in_all_logs, speaking_of


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def test_every_line_inside_carries_what_is_spoken_of_and_none_after(caplog: pytest.LogCaptureFixture) -> None:
    with speaking_of(message_id="m1"):
        with speaking_of(job_id="default.1"):
            logger().info("inside both")
        logger().info("inside one")
    logger().info("outside")
    both, one, outside = map(vars, caplog.records)
    assert (both["job_id"], both["message_id"]) == ("default.1", "m1")
    assert (one.get("job_id"), one["message_id"]) == (None, "m1")
    assert "message_id" not in outside


def test_what_a_thread_finds_out_is_known_to_the_task_that_sent_it(caplog: pytest.LogCaptureFixture) -> None:
    with speaking_of(message_id="m1"), ThreadPoolExecutor() as pool:
        pool.submit(copy_context().run, lambda: name_subject(job_id="default.1")).result()
        logger().info("later")
    assert vars(caplog.records[0])["job_id"] == "default.1"


def test_two_jobs_side_by_side_do_not_speak_of_one_another(caplog: pytest.LogCaptureFixture) -> None:
    def work(job_id: str) -> None:
        with speaking_of(job_id=job_id):
            logger().info(job_id)

    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            pool.submit(copy_context().run, work, f"default.{number}")
    assert len(caplog.records) == 40
    assert all(vars(line)["job_id"] == line.getMessage() for line in caplog.records)


def test_a_line_that_names_its_own_job_keeps_it(caplog: pytest.LogCaptureFixture) -> None:
    with speaking_of(job_id="default.1"):
        logger().info("about another", job_id="default.2")
    assert vars(caplog.records[0])["job_id"] == "default.2"


def test_a_tasks_own_lines_carry_the_jobs_id_too() -> None:
    page, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(page)
    handler.setFormatter(logging.Formatter("%(job_id)s %(message)s"))
    root.addHandler(handler)
    try:
        name_subject_in_all_logs()
        with speaking_of(job_id="default.1"):
            logging.getLogger("acme.stories").warning("an odd story")
    finally:
        root.removeHandler(handler)
    assert page.getvalue() == "default.1 an odd story\n"
