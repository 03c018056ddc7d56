"""Items that a job writes and reads, counted over jobs in full batches of ten."""

from bench.cloud import BENCH_TASKS, FUNCTIONS, JOBS
from bench.figures import Figure, Part
from bench.life import BATCH, Life, live
from bench.meter import Tally
from bench.run import Run

NAMES = ("ddb_writes_per_job", "ddb_reads_per_job", "ddb_writes_per_submit", "ddb_items_per_job")


def measure(run: Run) -> list[Figure]:
    """Run enhance-story for the figures, and beside it a task that makes one model call, without and with the cache."""
    jobs = 30 if run.quick else 100
    with run.progress("items a job", 3 * jobs // BATCH) as step:
        story = live(FUNCTIONS, "enhance-story", jobs, step)
        plain, cached = (live(BENCH_TASKS, name, jobs, step) for name in ("ask-model", "ask-cached"))
    return figures(story, plain, cached)


def figures(story: Life, plain: Life, cached: Life) -> list[Figure]:
    """The figures of three lives; bounds are those of the jobs table."""
    lives = (story, plain, cached)
    return [
        Figure(
            "ddb_writes_per_job", _each(story, story.work.items_written(JOBS.name)), "items",
            "Items that the worker writes to the jobs table for one job: claim and finish.", at_most=2.0,
            parts=tuple(Part(life.task, _each(life, life.work.items_written(JOBS.name))) for life in lives),
        ),
        Figure(
            "ddb_reads_per_job", _each(story, story.work.items_read(JOBS.name)), "items",
            "Items that the worker reads from the jobs table for one job.", at_most=0.1,
            parts=tuple(Part(life.task, _each(life, life.work.items_read(JOBS.name))) for life in lives),
        ),
        Figure(
            "ddb_writes_per_submit", _each(story, story.submit.items_written(JOBS.name)), "items",
            "Items that a submit writes to the jobs table: input and record.", at_most=2.0,
        ),
        Figure(
            "ddb_items_per_job", _all(story), "items",
            "Items written and read in every table, from submit to the counters that follow the stream.",
            parts=(
                Part("submit", _each(story, _touched(story.submit)), "of enhance-story"),
                Part("worker", _each(story, _touched(story.work)), "with the story in its table, and the cache"),
                Part("stream consumer", _each(story, _touched(story.stream)), "transactions by their items"),
                Part("all, cache off", _all(plain), "of a task that makes one model call"),
                Part("all, cache on", _all(cached), "of the same task"),
            ),
            note="The value is enhance-story's, which uses the cache; no job finds its answer there.",
        ),
    ]  # fmt: skip


def _all(life: Life) -> float:
    return _each(life, sum(_touched(tally) for tally in life.everything))


def _each(life: Life, items: int) -> float:
    return items / life.jobs


def _touched(tally: Tally) -> int:
    return tally.items_written() + tally.items_read()
