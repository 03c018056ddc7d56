"""One run of the benchmarks: how thorough it is, and who is told how far it has come."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@dataclass(frozen=True, slots=True)
class Run:
    """What every benchmark is given."""

    quick: bool
    console: Console

    @contextmanager
    def progress(self, what: str, steps: int) -> Iterator[Callable[[], None]]:
        """A bar of so many steps; answers what to call after each."""
        columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, redirect_stdout=False) as bar:
            task = bar.add_task(what, total=steps)
            yield lambda: bar.advance(task)
