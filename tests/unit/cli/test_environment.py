"""What children are told: never a key."""

from pathlib import Path

from cli.local.environment import aws_environment, network_environment, plain_environment, tool_environment

USER = {
    "PATH": "/usr/bin",
    "HOME": "/home/someone",
    "ANTHROPIC_API_KEY": "secret",
    "OPENAI_API_KEY": "secret",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "secret",
    "GITHUB_TOKEN": "secret",
    "HTTPS_PROXY": "http://proxy:3128",
    "NO_PROXY": "intranet",
    "UV_INDEX_URL": "https://packages.example/simple",
    "npm_config_registry": "https://packages.example/npm",
}


def test_no_key_at_hand_reaches_a_child() -> None:
    for environment in (plain_environment(Path("/t"), USER), network_environment(USER), tool_environment(USER)):
        assert "secret" not in environment.values()
        assert "AWS_PROFILE" not in environment


def test_a_child_that_stays_on_this_machine_knows_no_proxy() -> None:
    assert "HTTPS_PROXY" not in plain_environment(Path("/t"), USER)


def test_loopback_never_goes_through_a_proxy() -> None:
    assert network_environment(USER)["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert network_environment({})["no_proxy"] == "127.0.0.1,localhost"


def test_package_tools_keep_their_own_settings() -> None:
    kept = tool_environment(USER)
    assert kept["UV_INDEX_URL"] == USER["UV_INDEX_URL"]
    assert kept["npm_config_registry"] == USER["npm_config_registry"]


def test_our_own_programs_come_before_the_machine_s() -> None:
    assert plain_environment(Path("/t"), USER)["PATH"].endswith(":/usr/bin")
    assert plain_environment(Path("/t"), USER)["PATH"] != "/usr/bin"


def test_aws_clients_are_kept_away_from_the_user_s_profiles() -> None:
    told = aws_environment("http://127.0.0.1:1", Path("/state"))
    assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert told["AWS_CONFIG_FILE"].startswith("/state")
    assert told["AWS_SHARED_CREDENTIALS_FILE"].startswith("/state")
