"""Items that a job writes and reads, counted over jobs in full batches of ten."""

from bench.cloud import BENCH_TASKS, FUNCTIONS, JOBS
from bench.figures import Figure, Part
from bench.life import BATCH, Life, live
from bench.meter import Tally
from bench.run import Run

NAMES = ("ddb_writes_per_job", "ddb_reads_per_job", "ddb_writes_per_submit", "ddb_items_per_job")


def measure(run: Run) -> list[Figure]:
    """Run enhance-story for the figures, and the task that does nothing but one model call beside it."""
    jobs = 30 if run.quick else 100
    with run.progress("items a job", 2 * jobs // BATCH) as step:
        story = live(FUNCTIONS, "enhance-story", jobs, step)
        plain = live(BENCH_TASKS, "ask-model", jobs, step)
    return figures(story, plain)


def figures(story: Life, plain: Life) -> list[Figure]:
    """The figures of two lives; bounds are those of the jobs table."""
    return [
        Figure(
            "ddb_writes_per_job", _each(story, story.work.items_written(JOBS.name)), "items",
            "Items that the worker writes to the jobs table for one job: claim and finish.", at_most=2.0,
            parts=tuple(Part(life.task, _each(life, life.work.items_written(JOBS.name))) for life in (story, plain)),
        ),
        Figure(
            "ddb_reads_per_job", _each(story, story.work.items_read(JOBS.name)), "items",
            "Items that the worker reads from the jobs table for one job.", at_most=0.1,
            parts=tuple(Part(life.task, _each(life, life.work.items_read(JOBS.name))) for life in (story, plain)),
        ),
        Figure(
            "ddb_writes_per_submit", _each(story, story.submit.items_written(JOBS.name)), "items",
            "Items that a submit writes to the jobs table: input and record.", at_most=2.0,
        ),
        Figure(
            "ddb_items_per_job", _each(story, sum(_touched(tally) for tally in story.everything)), "items",
            "Items written and read in every table, from submit to the counters that follow the stream.",
            parts=(
                Part("submit", _each(story, _touched(story.submit))),
                Part("worker", _each(story, _touched(story.work)), "the story in the content table among them"),
                Part("stream consumer", _each(story, _touched(story.stream)), "transactions by their items"),
            ),
            note="The cache of answers is off: it comes with a later part.",
        ),
    ]  # fmt: skip


def _each(life: Life, items: int) -> float:
    return items / life.jobs


def _touched(tally: Tally) -> int:
    return tally.items_written() + tally.items_read()
