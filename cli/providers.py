"""`backstay providers` and `backstay breakers`: who answers, whether they do, and what stops calls to them."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from cli.api import Api
from cli.options import Json
from cli.output import console, print_json, print_table
from cli.problems import ExitCode, Problem
from cli.target import Session

app = typer.Typer(help="Providers of models: see them, try them, pause them.", no_args_is_help=True)
breakers = typer.Typer(help="Circuit breakers: see them, close them.", no_args_is_help=True)

Provider = Annotated[str, typer.Argument(help="The provider, as backstay.toml calls it.")]


@app.command("ls")
def list_providers(context: typer.Context, as_json: Json = False) -> None:
    """List providers: ready or not, breaker, use of the rate, credit, and what they did today."""
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.get("/api/providers")
    if as_json:
        print_json(document)
        return
    columns = ("provider", "state", "minute", "calls", "success", "latency", "tokens", "cost", "credit")
    rows = [_row(provider) for provider in document["providers"]]
    print_table(columns, rows, "no providers; add one to backstay.toml")


@app.command("test")
def try_provider(
    context: typer.Context,
    provider: Provider,
    model: Annotated[str | None, typer.Option(help="By default the first that backstay.toml names of it.")] = None,
    as_json: Json = False,
) -> None:
    """Make one tiny call, whatever the breaker says, and tell what happened."""
    session: Session = context.obj
    query = f"?{urlencode({'model': model})}" if model else ""
    with Api(session.target) as api:
        trial = api.post(f"/api/providers/{quote(provider, safe='')}/test{query}")
    if as_json:
        print_json(trial)
    elif trial["ok"]:
        cost = f", ${trial['cost_usd']}" if trial["cost_usd"] is not None else ""
        console.print(f"{trial['message']} ({trial['input_tokens']} + {trial['output_tokens']} tokens{cost})")
    if not trial["ok"]:
        raise Problem(f"{trial['error_class']}: {trial['message']}", code=ExitCode.FAILED)


@app.command()
def pause(context: typer.Context, provider: Provider, as_json: Json = False) -> None:
    """Make no call of a provider until it is resumed; jobs go on to their next route, or wait."""
    _switch(context, provider, "pause", as_json)


@app.command()
def resume(context: typer.Context, provider: Provider, as_json: Json = False) -> None:
    """Make calls of a paused provider again."""
    _switch(context, provider, "resume", as_json)


@breakers.command("ls")
def list_breakers(context: typer.Context, as_json: Json = False) -> None:
    """List circuit breakers of providers and of the hosts that call-http may call."""
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.get("/api/breakers")
    if as_json:
        print_json(document)
        return
    columns = ("breaker", "state", "failures", "next attempt", "last change")
    rows = [_breaker_row(breaker) for breaker in document["breakers"]]
    print_table(columns, rows, "no breakers")


@breakers.command()
def reset(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As ls tells it; a provider's name will do for its own.")],
    as_json: Json = False,
) -> None:
    """Close a breaker with nothing counted, whoever holds it open."""
    session: Session = context.obj
    with Api(session.target) as api:
        breaker = api.post(f"/api/breakers/{quote(name, safe='')}/reset")
    if as_json:
        print_json(breaker)
    else:
        console.print(f"breaker {breaker['name']} is {breaker['state']}")


def _switch(context: typer.Context, provider: str, action: str, as_json: bool) -> None:
    session: Session = context.obj
    with Api(session.target) as api:
        shown = api.post(f"/api/providers/{quote(provider, safe='')}/{action}")
    if as_json:
        print_json(shown)
    else:
        console.print(f"{provider} is {_state(shown)}")


def _row(provider: Mapping[str, Any]) -> list[str]:
    today, rate, credit = provider["today"], provider["rate"], provider["credit"]
    success, latency = today["success_rate"], today["average_latency_ms"]
    return [
        provider["name"],
        _state(provider),
        _use(rate["requests"], rate["requests_per_minute"]) if rate else "",
        str(today["calls"]),
        "" if success is None else f"{success:.0%}",
        "" if latency is None else f"{latency:.0f} ms",
        str(today["input_tokens"] + today["output_tokens"]),
        f"${today['cost_usd']}",
        _credit(credit) if credit else "",
    ]


def _state(provider: Mapping[str, Any]) -> str:
    if not provider["configured"]:
        return "not configured"
    breaker = provider["breaker"]
    if breaker["state"] == "closed":
        return "ready"
    return f"{breaker['state']}: {breaker['held']}" if breaker["held"] else str(breaker["state"])


def _use(used: int, limit: int | None) -> str:
    return f"{used} of {limit}" if limit else str(used)


def _credit(credit: Mapping[str, Any]) -> str:
    if credit["failures_in_a_row"]:
        return f"unknown: {credit['problem']}"
    return "no limit" if credit["remaining_usd"] is None else f"${credit['remaining_usd']}"


def _breaker_row(breaker: Mapping[str, Any]) -> list[str]:
    state = f"{breaker['state']}: {breaker['held']}" if breaker["held"] else breaker["state"]
    last = breaker["transitions"][-1] if breaker["transitions"] else None
    change = f"{last['at']} {last['reason']}" if last else ""
    failures = f"{breaker['failures']} of {breaker['failure_threshold']}"
    return [breaker["name"], state, failures, breaker["next_attempt_at"] or "", change]
