import type { JSX } from "preact";
import { Listing } from "../listing.tsx";
import { usePages } from "../pages.ts";
import { usePolled } from "../polling.ts";
import { go, linkTo } from "../route.ts";
import { ago, count, duration, percent, when } from "../format.ts";
import { Choice, Loading, State, Table } from "../parts.tsx";
import { RUN_STATES } from "../shapes.ts";
import type { Run, RunPage, Workflows } from "../shapes.ts";

export function Runs(props: { query: URLSearchParams }): JSX.Element {
  const filter = { saga: props.query.get("saga") ?? "", state: props.query.get("state") ?? "" };
  const sagas = usePolled<Workflows>("/api/workflows", 10_000);
  const pages = usePages<RunPage, Run>("/api/runs", filter, (page) => page.runs, (run) => run.id);
  const choose = (change: Partial<typeof filter>) => go(linkTo("runs", undefined, { ...filter, ...change }));
  return (
    <>
      <h1>Runs</h1>
      <Loading of={sagas}>
        {({ workflows }) => (
          <Table
            caption="Sagas"
            rows={workflows}
            id={(one) => one.saga}
            empty="No saga is deployed."
            columns={[
              { title: "Saga", cell: (one) => <a href={linkTo("runs", undefined, { saga: one.saga })}>{one.saga}</a> },
              { title: "Running", numeric: true, cell: (one) => count(one.running) },
              { title: "Stuck", numeric: true, cell: (one) => count(one.stuck) },
              { title: "Completed", numeric: true, cell: (one) => count(one.completed) },
              { title: "Failed", numeric: true, cell: (one) => count(one.failed) },
              { title: "Error rate", numeric: true, cell: (one) => percent(one.error_rate) },
              {
                title: "Took",
                numeric: true,
                cell: (one) => duration(one.average_duration_s === null ? null : one.average_duration_s * 1000),
              },
            ]}
          />
        )}
      </Loading>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Choice
          label="Saga"
          all="every saga"
          value={filter.saga}
          of={sagas.data?.workflows.map((one) => one.saga) ?? (filter.saga ? [filter.saga] : [])}
          choose={(saga) => choose({ saga })}
        />
        <Choice label="State" all="every state" value={filter.state} of={RUN_STATES} choose={(state) => choose({ state })} />
      </form>
      <Listing
        of={pages}
        caption="Runs, newest first"
        id={(run) => run.id}
        empty="There is no such run."
        columns={[
          { title: "Run", cell: (run) => <a href={linkTo("runs", run.id)}>{run.id}</a> },
          { title: "Saga", cell: (run) => run.saga },
          { title: "Tenant", cell: (run) => run.tenant },
          { title: "State", cell: (run) => <StateOfRun of={run} /> },
          { title: "Started", cell: (run) => <time title={when(run.started_at)}>{ago(run.started_at)}</time> },
          { title: "Took", numeric: true, cell: (run) => duration(run.duration_ms) },
        ]}
      />
    </>
  );
}

export function StateOfRun(props: { of: Run }): JSX.Element {
  return (
    <>
      <State of={props.of.state} />
      {props.of.stuck ? <small> stuck{props.of.stuck.step ? ` at ${props.of.stuck.step}` : ""}</small> : null}
    </>
  );
}
