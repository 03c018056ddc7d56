"""POST /api/jobs/batch."""

OBEY = {"task": "obey", "input": {}}


def test_each_job_is_answered_on_its_own_in_order(client) -> None:
    jobs = [
        {**OBEY, "idempotency_key": "a"},
        {"task": "fly", "input": {}},
        {**OBEY, "tenant": "Not One"},
        "no job",
        {"task": "obey", "input": {"sleep_s": -1}},
    ]
    answer = client()("POST", "/api/jobs/batch", {"jobs": jobs})

    assert answer.status == 200
    answers = answer.json["answers"]
    assert [one["status"] for one in answers] == [202, 422, 422, 422, 422]
    assert answers[0]["job"]["idempotency_key"] == "a"
    assert [one["problem"]["errors"][0]["field"] for one in answers[1:]] == [
        "task",
        "tenant",
        "body",
        "input.sleep_s",
    ]
    assert answers[1]["problem"]["instance"] == "/api/jobs/batch"


def test_a_batch_sent_again_makes_nothing_new(client) -> None:
    caller, body = client(), {"jobs": [{**OBEY, "idempotency_key": str(number)} for number in range(12)]}
    first, second = (caller("POST", "/api/jobs/batch", body).json["answers"] for _ in range(2))

    assert {one["status"] for one in first} == {202}
    assert {one["status"] for one in second} == {200}
    assert [one["job"]["id"] for one in first] == [one["job"]["id"] for one in second]


def test_a_key_conflict_and_another_tenant_do_not_hinder_the_others(client) -> None:
    caller = client("newsroom")
    caller("POST", "/api/jobs", {**OBEY, "idempotency_key": "a"})
    jobs = [{"task": "obey", "input": {"text": "other"}, "idempotency_key": "a"}, {**OBEY, "tenant": "sports"}, OBEY]
    answers = caller("POST", "/api/jobs/batch", {"jobs": jobs}).json["answers"]

    assert [one["status"] for one in answers] == [409, 403, 202]


def test_a_hundred_jobs_are_taken_and_one_more_is_not(client) -> None:
    caller = client()

    assert caller("POST", "/api/jobs/batch", {"jobs": [OBEY] * 100}).status == 200
    too_many = caller("POST", "/api/jobs/batch", {"jobs": [OBEY] * 101})
    assert too_many.status == 422
    assert "jobs" in too_many.fields
    assert caller("POST", "/api/jobs/batch", {"jobs": []}).status == 422
