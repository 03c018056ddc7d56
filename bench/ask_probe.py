"""Run in a fresh process: imports one way of asking a model, asks it, and prints what that took; imports no bench.

Usage: python -P ask_probe.py backstay|litellm|sdk|raw MODEL_SERVER. The first two lines tell of the imports and of all
up to the first answer: seconds of wall time, of CPU, peak MB. Then each line of standard input is a number of calls,
and is answered by the milliseconds of the median one.
"""

import atexit
import functools
import http.client
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

_began, _began_cpu = time.perf_counter(), time.process_time()
MODEL = "claude-haiku-5-5"
_STORY = " ".join((Path(__file__).parent / "prose" / "story.txt").read_text(encoding="utf-8").split())

Ask = Callable[[str], object]


def backstay(_url: str) -> Callable[[], Ask]:
    """A task's Lambda after init with its DynamoDB client, whose configuration names the server."""
    import backstay.jobs.entry
    from backstay import aws, llm
    from backstay.budgets.batch import batch
    from backstay.running import Job, current_job

    assert callable(backstay.jobs.entry.handler)
    aws.dynamodb()

    def ready() -> Ask:
        current_job.set(Job())
        at_work = ExitStack()
        at_work.enter_context(batch.of(1))
        atexit.register(at_work.close)
        return functools.partial(llm.complete, cache=False)

    return ready


def litellm(url: str) -> Callable[[], Ask]:
    """LiteLLM as a library; retries are somebody else's here as there."""
    from litellm import completion  # type: ignore[import-not-found]

    options = {"api_key": "bench", "api_base": f"{url}/anthropic/v1/messages", "num_retries": 0, "timeout": 60}

    def ask(text: str) -> object:
        return completion(f"anthropic/{MODEL}", [{"role": "user", "content": text}], max_tokens=1024, **options)

    return lambda: ask


def sdk(url: str) -> Callable[[], Ask]:
    """The provider's own SDK."""
    from anthropic import Anthropic

    client = Anthropic(api_key="bench", base_url=f"{url}/anthropic", max_retries=0)

    def ask(text: str) -> object:
        return client.messages.create(
            model=MODEL, max_tokens=1024, messages=[{"role": "user", "content": text}], timeout=60
        )

    return lambda: ask


def raw(url: str) -> Callable[[], Ask]:
    """The same request over one connection of the standard library: what the server and the wire take."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"content-type": "application/json", "x-api-key": "bench", "anthropic-version": "2023-06-01"}

    def ask(text: str) -> object:
        body = {"model": MODEL, "max_tokens": 1024, "messages": [{"role": "user", "content": text}]}
        connection.request("POST", "/anthropic/v1/messages", json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return json.loads(answer.read())

    return lambda: ask


def _tell(peak_mb: Callable[[], float]) -> None:
    print(time.perf_counter() - _began, time.process_time() - _began_cpu, peak_mb(), flush=True)


def _milliseconds(ask: Ask, number: int) -> float:
    began = time.perf_counter()
    ask(f"Story {number}. {_STORY}")
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent / "tasks" / "weigh_worker"))
    from peak import peak_mb

    prepare = {"backstay": backstay, "litellm": litellm, "sdk": sdk, "raw": raw}[sys.argv[1]](sys.argv[2])
    _tell(peak_mb)
    asking = prepare()
    _milliseconds(asking, 0)
    _tell(peak_mb)
    for line in sys.stdin:
        print(median(_milliseconds(asking, number) for number in range(int(line))), flush=True)
