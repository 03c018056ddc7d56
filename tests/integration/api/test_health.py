"""Whether it is up."""


def test_without_a_key_only_the_status_is_told(stranger) -> None:
    answer = stranger("GET", "/health")

    assert answer.status == 200
    assert {name for name, value in answer.json.items() if value is not None} == {"status"}
    assert answer.json["status"] == "ok"


def test_with_a_key_it_tells_stage_tasks_and_what_the_key_may_do(client) -> None:
    answer = client("newsroom", "read")("GET", "/health").json

    assert answer["stage"] == "test"
    assert "obey" in answer["tasks"]
    assert answer["key"]["tenant"] == "newsroom"
    assert answer["key"]["scopes"] == ["read"]
    assert answer["key"]["has_webhook_secret"] is False


def test_a_wrong_key_is_told_so_here_too(stranger) -> None:
    assert stranger("GET", "/health", headers={"authorization": "Bearer wrong"}).status == 401
