"""Calls keep to the limits of their provider: what would pass them is not sent, and goes elsewhere or waits."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from llmock.pytest_plugin import LLMock

from backstay import aws, config, llm
from backstay.errors import Disposition, ErrorClass
from backstay.llm.errors import LLMError
from backstay.llm.guards import Asking, Guards
from backstay.llm.request import Usage
from backstay.rates import provider_rate
from backstay.resilience.bulkhead import BulkheadFull
from backstay.resilience.fleet_bulkhead import FleetBulkheadFull
from backstay.resilience.rate_limit import RateExceeded, TooLarge
from backstay.running import Job

HOUSE, OPENAI = "house/tiny", "openai/gpt-5.6-luna"


@pytest.fixture
def limited(configure: Callable[[str], None], llmock: LLMock) -> Callable[..., LLMock]:
    """A server of one's own with limits, and another provider, without unless they are given."""

    def deploy(limits: str, at_once: int = 1, of_openai: str = "") -> LLMock:
        configure(
            f"""
            [providers.house]
            kind = "compatible"
            base_url = "{llmock.base_url("openai")}"
            concurrency = {at_once}
            [providers.house.limits]
            {limits}
            [providers.openai]
            kind = "openai"
            secret = "provider/openai"
            base_url = "{llmock.base_url("openai")}"
            [providers.openai.limits]
            {of_openai}
            [routes]
            default = ["{HOUSE}", "{OPENAI}"]
            [prices."{HOUSE}"]
            input = 1
            output = 1
            """
        )
        aws.secretsmanager().create_secret(Name="backstay/test/provider/openai", SecretString="key")
        return llmock

    return deploy


def used() -> tuple[int, int]:
    """Requests and tokens of the house that count now, as its table says."""
    rate = provider_rate("house", config.load().providers["house"].limits, "guards")
    assert rate is not None
    use = rate.use()
    return use.requests, use.tokens


def test_a_call_beyond_the_limit_is_not_sent_and_its_job_waits(limited) -> None:
    server = limited("requests_per_minute = 1")
    llm.complete("the first", routes=[HOUSE])
    with pytest.raises(RateExceeded) as refused:
        llm.complete("the second", routes=[HOUSE])
    assert len(server.requests) == 1
    failure = refused.value.failure
    assert failure.error_class.disposition is Disposition.PARK
    assert 55 < (failure.retry_after_s or 0) < 65


def test_a_call_beyond_the_limit_goes_to_the_next_route_at_once(limited, job: Job) -> None:
    limited("requests_per_minute = 1")
    llm.complete("the first")
    llm.complete("the second")
    assert [call.provider for call in job.calls] == ["house", "openai"]


def test_the_next_route_has_limits_of_its_own_and_the_job_waits_where_none_has_room(limited, job: Job) -> None:
    server = limited("requests_per_minute = 1", of_openai="requests_per_minute = 1")
    for number in range(2):
        llm.complete(f"question {number}")
    with pytest.raises(LLMError, match=r"no other route helped: rate '(house|openai)' is used up") as refused:
        llm.complete("one more")
    assert refused.value.failure.error_class is ErrorClass.RATE_EXCEEDED
    assert 50 < (refused.value.failure.retry_after_s or 0) < 65
    assert [call.provider for call in job.calls] == ["house", "openai"]
    assert len(server.requests) == 2


def test_what_a_failed_call_took_stays_taken_since_its_provider_may_have_counted_it(limited) -> None:
    server = limited("tokens_per_minute = 2500")
    server.fail(500, times=2)
    for number in range(2):
        with pytest.raises(LLMError):
            llm.complete(f"question {number}", routes=[HOUSE], max_output_tokens=900)
    with pytest.raises(RateExceeded):
        llm.complete("one more", routes=[HOUSE], max_output_tokens=900)


def test_what_a_call_did_not_take_of_the_tokens_is_free_for_the_next(limited) -> None:
    limited("tokens_per_minute = 2500")
    for number in range(3):  # each may take about 1,000 of the 2,000 that normal jobs may use
        llm.complete(f"question {number}", routes=[HOUSE], max_output_tokens=900)


def test_a_fifth_of_the_limit_is_kept_for_high_priority(limited, job: Job) -> None:
    limited("requests_per_minute = 5")
    for number in range(4):
        llm.complete(f"question {number}", routes=[HOUSE])
    with pytest.raises(RateExceeded):
        llm.complete("one more", routes=[HOUSE])
    job.priority = "high"
    llm.complete("one more", routes=[HOUSE])


def test_a_call_larger_than_the_limit_ever_allows_goes_elsewhere(limited, job: Job) -> None:
    limited("tokens_per_minute = 500")
    llm.complete("question", max_output_tokens=1000)
    assert [call.provider for call in job.calls] == ["openai"]


def test_a_call_larger_than_every_limit_fails_and_says_what_to_do(limited) -> None:
    limited("tokens_per_minute = 500")
    with pytest.raises(TooLarge, match="lower max_output_tokens, shorten the prompt, or raise the limit") as refused:
        llm.complete("question", routes=[HOUSE], max_output_tokens=1000)
    assert refused.value.failure.error_class is ErrorClass.OVER_LIMIT
    assert ErrorClass.OVER_LIMIT.disposition is Disposition.FAIL


def test_what_finds_no_seat_gives_its_permit_back(limited) -> None:
    limited("requests_per_minute = 100\ntokens_per_minute = 10000")
    guards = Guards(config.load(), "guards")
    with guards.admitted(Asking("house", "tiny", 1000, 5)) as first:
        with pytest.raises(BulkheadFull), guards.admitted(Asking("house", "tiny", 4000, 5)):
            raise AssertionError("there is one seat")
        first.took(Usage(input_tokens=5, output_tokens=5), None)
    with guards.admitted(
        Asking("house", "tiny", 6000, 5)
    ):  # more than is left in stock: a lot is written, and with it the returns
        assert used()[1] < 10_000


def test_calls_at_once_are_bounded_for_the_fleet_where_backstay_toml_says_so(limited) -> None:
    limited("concurrency = 2", at_once=10)
    one, other = Guards(config.load(), "guards"), Guards(config.load(), "guards")
    asking = Asking("house", "tiny", 1000, 5)
    with one.admitted(asking), other.admitted(asking):
        third = other.admitted(asking)
        with pytest.raises(FleetBulkheadFull, match="2 calls are running in the fleet"):
            third.__enter__()
    with other.admitted(asking), other.admitted(asking):
        pass


def test_a_provider_without_limits_writes_nothing_to_the_table_but_what_it_costs(providers: LLMock) -> None:
    llm.complete("question", routes=[OPENAI])
    written = aws.dynamodb().scan(TableName="guards")["Items"]
    assert {item["id"]["S"].partition("#")[0] for item in written} == {"budget", "lease"}


def test_a_full_batch_costs_the_table_one_write_and_its_reads_are_by_the_second(limited) -> None:
    limited("requests_per_minute = 1000\ntokens_per_minute = 10000000", at_once=10)
    events, batches = aws.dynamodb_for_guards().meta.events, 3
    read: list[str] = []
    written: list[str] = []
    events.register("provide-client-params.dynamodb.GetItem", lambda params, **_: read.append(params["Key"]["id"]["S"]))
    events.register(
        "provide-client-params.dynamodb.PutItem", lambda params, **_: written.append(params["Item"]["id"]["S"])
    )
    began = time.monotonic()
    for batch in range(batches):
        with ThreadPoolExecutor(10) as threads:
            list(threads.map(lambda number, batch=batch: llm.complete(f"question {batch} {number}"), range(10)))
    took_s = time.monotonic() - began
    assert read.count("breaker#provider:house") <= 1 + took_s
    written = [name for name in written if not name.startswith("budget#")]  # made once, before the first call
    assert set(written) == {"rate#house"}, "a breaker whose provider is well is never written"
    assert len(written) <= batches + took_s / 1.5, "0.1 a call; a lot lapses where ten calls take their time to come"
