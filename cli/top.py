"""`backstay top`: queues, jobs, providers and money, drawn anew every few seconds."""

from dataclasses import dataclass
from time import sleep
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from backstay.clock import iso, utc_now
from cli.api import Api, Refused
from cli.options import Json
from cli.output import console, print_json
from cli.problems import Problem
from cli.target import Session
from cli.top_frame import Standing, frame_of

_FORBIDDEN = 403


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(top)


def top(
    context: typer.Context,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 2,
    once: Annotated[bool, typer.Option("--once", help="Draw it once and end; also where nobody watches.")] = False,
    as_json: Json = False,
) -> None:
    """Watch queues, jobs, providers and money live, until Ctrl-C.

    A key of one tenant sees that tenant's jobs and money.
    """
    session: Session = context.obj
    with Api(session.target) as api:
        looking = Looking(api, session.target.name)
        if as_json:
            print_json(looking.look().documents)
        elif once or not console.is_terminal:
            console.print(frame_of(looking.look()))
        else:
            watch(looking, every, console)


@dataclass(frozen=True, slots=True)
class Looking:
    """Asks how everything stands."""

    api: Api
    name: str
    """Of what is looked at."""

    def look(self) -> Standing:
        """How it stands now.

        Raises:
            Problem: the API doesn't answer, or refuses.
        """
        return Standing(
            name=self.name,
            at=iso(utc_now()),
            overview=self.api.get("/api/overview"),
            stats=self.api.get("/api/stats"),
            providers=self._providers(),
        )

    def _providers(self) -> list[dict[str, object]]:
        try:
            found: list[dict[str, object]] = self.api.get("/api/providers")["providers"]
        except Refused as refused:
            if refused.status == _FORBIDDEN:  # they concern every tenant, and the key is one tenant's
                return []
            raise
        return found


def watch(looking: Looking, every_s: float, screen: Console) -> None:
    """Draw until interrupted. What fails meanwhile is said below what was seen last."""
    frame = Group(frame_of(looking.look()))
    with Live(frame, console=screen, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.refresh()
                sleep(every_s)
                try:
                    frame = Group(frame_of(looking.look()))
                    live.update(frame)
                except Problem as problem:
                    live.update(Group(frame, Text(f"{problem.cause}; asking again", "red")))
        except KeyboardInterrupt:
            return  # how one leaves
