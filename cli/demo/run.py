"""Runs the demo: a private cloud up, every sample event through it, and nothing left at the end."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Group, RenderableType
from rich.live import Live

from backstay.config import FILE_NAME
from cli.api import Api
from cli.demo.budget import SPENT, BudgetStory, Step, render_steps, steps_to_json
from cli.demo.outcome import Outcome
from cli.demo.report import WIDTH, complaints_of, render, to_json, total_cost
from cli.demo.run_report import cost_of_runs, render_runs, runs_to_json
from cli.demo.runs import Runner, RunOutcome, Runs, judge_run, read_runs
from cli.demo.scenarios import Entry, groups_of, read_events
from cli.demo.sender import Sender
from cli.demo.spending import CAP_USD, affordable, price_of
from cli.demo.summary import Summary, read_summary
from cli.local.cloud import Wish, down, up
from cli.local.processes import child_of
from cli.local.providers import RealProvider, read_base
from cli.local.state import REPOSITORY, StateDirectory
from cli.output import console, notes, print_json, progress_line
from cli.target import local_target

_PATIENCE_S = 120
"""How long nothing may happen: a slow machine takes longer over everything, and is not to be taken for a lost job."""
_PATIENCE_WITH_RUNS_S = 240  # a run has several jobs, one after another
_LOOK_EVERY_S = 0.5


def run_demo(*, as_json: bool) -> bool:
    """Run every sample event on a cloud of its own. Whether all ended as expected.

    Raises:
        Problem: the cloud did not come up, or the environment asks for a provider that can't be used.
    """
    entries = [entry for events in read_events(REPOSITORY / "events") for entry in events.entries]
    sagas = read_runs(REPOSITORY / "events" / "sagas")
    real = RealProvider.from_environment()
    state = StateDirectory(Path(tempfile.mkdtemp(prefix="backstay-demo-")))
    show = Show(quiet=as_json)
    keep_logs = True
    try:
        for wish, chosen in _rounds(entries, real):
            show.run(state, wish, chosen)
        show.run_sagas(state, sagas)
        show.run_budget(state)
        show.sum_up(state)
        went_well = show.finish(as_json=as_json)
        keep_logs = not went_well
    except KeyboardInterrupt:
        keep_logs = False
        raise
    finally:
        down(state, keep_logs=keep_logs)
        if keep_logs:
            notes.print(f"logs: {state.logs}", soft_wrap=True)
        else:
            shutil.rmtree(state.path, ignore_errors=True)
    return went_well


def _rounds(entries: Sequence[Entry], real: RealProvider | None) -> list[tuple[Wish, list[Entry]]]:
    """Which scenarios run on what kind of cloud; those of a real provider first, since they need no script."""
    owner = child_of("owner", os.getpid())
    if real is None:
        return [(Wish(owner=owner), list(entries))]
    unscripted = [(_name(entry), entry[0].input_of(entry[1]) or {}) for entry in entries if not entry[1].is_scripted]
    names, most = affordable(unscripted, price_of(real, read_base(REPOSITORY / FILE_NAME)))
    notes.print(
        f"{len(names)} scenarios go to {real.route} and cost at most ${most:.2f} (the cap is ${CAP_USD})",
        soft_wrap=True,
    )
    paid = [entry for entry in entries if _name(entry) in names]
    free = [entry for entry in entries if _name(entry) not in names]
    return [(Wish(real, owner), paid), (Wish(owner=owner), free)]  # the latter for sagas too, which aren't priced


def _name(entry: Entry) -> str:
    return f"{entry[0].task}: {entry[1].name}"


class Show:
    """The scenarios that were run so far, and the table that shows them."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._runs: dict[tuple[str, str], RunOutcome] = {}
        self._steps: list[Step] = []
        self._summary: Summary | None = None

    def run(self, state: StateDirectory, wish: Wish, entries: Sequence[Entry]) -> None:
        """Bring the cloud into the wanted form and run these scenarios."""
        with progress_line("embedded cloud") as tell:
            cloud = up(state, tell, wish)
        if not self._quiet:
            notes.print(f"watch it, while it runs: {cloud.dashboard_url} with key {cloud.api_key}", soft_wrap=True)
        with Api(local_target(cloud, state)) as api, self._live() as update:
            for group in groups_of(entries):
                self._run_group(Sender(cloud, api), group, update)

    def _run_group(self, sender: Sender, group: Sequence[Entry], update: Callable[[], None]) -> None:
        for events, scenario in group:
            self._note(sender.send(events.task, scenario, events.input_of(scenario)))
            update()
        names = [(events.task, scenario.name) for events, scenario in group]
        moved_at = time.monotonic()
        while time.monotonic() - moved_at < _PATIENCE_S:
            before = [self._outcomes[name] for name in names]
            for outcome in before:
                self._note(sender.look(outcome))
            update()
            after = [self._outcomes[name] for name in names]
            if all(outcome.is_over for outcome in after):
                return
            if after != before:
                moved_at = time.monotonic()
            time.sleep(_LOOK_EVERY_S)

    def run_sagas(self, state: StateDirectory, sagas: Sequence[Runs]) -> None:
        """Run these, one after another, on the cloud as it stands."""
        cloud = state.require_cloud()
        with Api(local_target(cloud, state)) as api, self._live() as update:
            runner = Runner(cloud, api)
            for saga in sagas:
                for scenario in saga.scenarios:
                    for outcome in _followed(runner, runner.start(saga.saga, scenario)):
                        self._runs[saga.saga, scenario.name] = outcome
                        update()

    def run_budget(self, state: StateDirectory) -> None:
        """Let a tenant hit its budget on the cloud as it stands, and go on."""
        cloud = state.require_cloud()
        with Api(local_target(cloud, state)) as api, self._live() as update:
            for self._steps in BudgetStory(cloud, api).play():
                update()

    def sum_up(self, state: StateDirectory) -> None:
        """Hold what the page shows of it all against every job, one by one."""
        with Api(local_target(state.require_cloud(), state)) as api:
            self._summary = read_summary(api, Decimal(SPENT))

    @contextlib.contextmanager
    def _live(self) -> Iterator[Callable[[], None]]:
        """Keeps the table on the screen up to date; does nothing where nobody watches."""
        if self._quiet or not console.is_terminal:
            yield lambda: None
            return
        with Live(console=console, transient=True, auto_refresh=False) as live:
            yield lambda: live.update(self._tables(), refresh=True)

    def _tables(self) -> RenderableType:
        outcomes, runs = list(self._outcomes.values()), list(self._runs.values())
        return Group(render(outcomes), render_runs(runs), render_steps(self._steps))

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[outcome.task, outcome.scenario.name] = outcome

    def finish(self, *, as_json: bool) -> bool:
        """Print what came of it all; whether everything is as expected."""
        outcomes, runs = list(self._outcomes.values()), list(self._runs.values())
        steps = [(step.complaint,) if step.complaint else () for step in self._steps]
        complaints = [*complaints_of(outcomes).values(), *map(judge_run, runs), *steps]
        if self._summary:
            complaints.append((self._summary.complaint,) if self._summary.complaint else ())
        good = sum(not found for found in complaints)
        cost = total_cost(outcomes) + cost_of_runs(runs)
        if as_json:
            told: dict[str, object] = {"ok": good == len(complaints), "cost_usd": str(cost), "runs": runs_to_json(runs)}
            told["budget"] = steps_to_json(self._steps)
            told["summary"] = self._summary.to_json() if self._summary else None
            print_json(to_json(outcomes) | told)
        else:
            console.print(self._tables(), width=min(console.width, WIDTH))
            if self._summary:
                console.print(f"\n{self._summary.text()}", highlight=False)
            console.print(f"\n{good} of {len(complaints)} as expected")
        return good == len(complaints)


def _followed(runner: Runner, outcome: RunOutcome) -> Iterator[RunOutcome]:
    """A run until it is over, or nobody waits for it any longer."""
    deadline = time.monotonic() + _PATIENCE_WITH_RUNS_S
    yield outcome
    while not outcome.is_over and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
        outcome = runner.look(outcome)
        yield outcome
