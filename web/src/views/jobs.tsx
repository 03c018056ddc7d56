import type { JSX } from "preact";
import { Listing } from "../listing.tsx";
import { usePages } from "../pages.ts";
import { usePolled } from "../polling.ts";
import { go, linkTo } from "../route.ts";
import { ago, dollars, duration, when } from "../format.ts";
import { Choice, State } from "../parts.tsx";
import { JOB_STATES } from "../shapes.ts";
import type { Job, JobPage, Statistics } from "../shapes.ts";

export function Jobs(props: { query: URLSearchParams }): JSX.Element {
  const filter = { task: props.query.get("task") ?? "", state: props.query.get("state") ?? "" };
  const stats = usePolled<Statistics>("/api/stats", 30_000);
  const pages = usePages<JobPage, Job>("/api/jobs", filter, (page) => page.jobs, (job) => job.id);
  const choose = (change: Partial<typeof filter>) => go(linkTo("jobs", undefined, { ...filter, ...change }));
  return (
    <>
      <h1>Jobs</h1>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Choice
          label="Task"
          all="every task"
          value={filter.task}
          of={stats.data?.tasks.map((task) => task.task) ?? (filter.task ? [filter.task] : [])}
          choose={(task) => choose({ task })}
        />
        <Choice label="State" all="every state" value={filter.state} of={JOB_STATES} choose={(state) => choose({ state })} />
      </form>
      <Listing
        of={pages}
        caption="Jobs, newest first"
        id={(job) => job.id}
        empty="There is no such job."
        columns={[
          { title: "Job", cell: (job) => <a href={linkTo("jobs", job.id)}>{job.id}</a> },
          { title: "Task", cell: (job) => job.task },
          { title: "Tenant", cell: (job) => job.tenant },
          { title: "State", cell: (job) => <StateOfJob of={job} /> },
          { title: "Created", cell: (job) => <time title={when(job.created_at)}>{ago(job.created_at)}</time> },
          { title: "Attempts", numeric: true, cell: (job) => job.attempts },
          { title: "Ran", numeric: true, cell: (job) => duration(job.run_ms) },
          { title: "Cost", numeric: true, cell: (job) => dollars(job.receipt?.cost_usd) },
        ]}
      />
    </>
  );
}

export function StateOfJob(props: { of: Job }): JSX.Element {
  const { state, reason, progress } = props.of;
  return (
    <>
      <State of={state} />
      {reason ? <small> {reason.replaceAll("_", " ")}</small> : null}
      {progress && state === "active" ? (
        <progress max={100} value={progress.percent} aria-label={`${progress.percent} percent`} />
      ) : null}
    </>
  );
}
