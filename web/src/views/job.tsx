import type { JSX } from "preact";
import { usePolled } from "../polling.ts";
import { linkTo } from "../route.ts";
import { count, dollars, duration, when } from "../format.ts";
import { Act, Facts, Json, Loading, Table, Text } from "../parts.tsx";
import { useMayOperate } from "../rights.ts";
import { StateOfJob } from "./jobs.tsx";
import type { JobDetail, ModelCall } from "../shapes.ts";

export function Job(props: { id: string }): JSX.Element {
  const path = `/api/jobs/${encodeURIComponent(props.id)}`;
  const job = usePolled<JobDetail>(path);
  const mayOperate = useMayOperate();
  return (
    <>
      <h1>Job {props.id}</h1>
      <Loading of={job}>
        {(found) => (
          <>
            <Facts
              of={[
                ["Task", <a href={linkTo("jobs", undefined, { task: found.task })}>{found.task}</a>],
                ["Tenant", found.tenant],
                ["State", <StateOfJob of={found} />],
                ["Created", when(found.created_at)],
                ["Due", when(found.due_at)],
                ["Started", when(found.started_at)],
                ["Finished", when(found.finished_at)],
                ["Waited", duration(found.queue_wait_ms)],
                ["Ran", duration(found.run_ms)],
                ["Attempts", found.attempts],
                ["Cost", dollars(found.receipt?.cost_usd)],
                ["Tags", <bdi>{found.tags.join(", ") || "–"}</bdi>],
                [
                  "Run",
                  found.step ? <a href={linkTo("runs", found.step.run_id)}>{`${found.step.saga}: ${found.step.name}`}</a> : "–",
                ],
              ]}
            />
            {mayOperate ? (
              <p class="acts">
                {found.links.cancel ? (
                  <Act label="Cancel" path={`${path}/cancel`} question="Cancel this job?" done={job.refresh} />
                ) : null}
                {found.links.retry ? <Act label="Retry" path={`${path}/retry`} done={job.refresh} /> : null}
              </p>
            ) : null}
            {found.error ? (
              <p class="problem">
                {found.error.class.replaceAll("_", " ")}: <Text of={found.error.message} />
              </p>
            ) : null}
            {found.failures.length ? (
              <>
                <h2>What did not succeed</h2>
                <ol>
                  {found.failures.map((one) => (
                    <li>
                      attempt {one.attempt}, {when(one.at)}: {one.class.replaceAll("_", " ")}: <Text of={one.message} />
                    </li>
                  ))}
                </ol>
              </>
            ) : null}
            {found.receipt?.calls.length ? <Receipt of={found.receipt.calls} /> : null}
            <Json title="Input" of={found.input} />
            {found.input_link ? <a href={found.input_link}>Download the input</a> : null}
            <Json title="Result" of={found.result} />
            {found.result_link ? <a href={found.result_link}>Download the result</a> : null}
          </>
        )}
      </Loading>
    </>
  );
}

function Receipt(props: { of: ModelCall[] }): JSX.Element {
  return (
    <>
      <h2>Receipt</h2>
      <Table
        caption="Calls"
        rows={props.of.map((call, place) => ({ ...call, place }))}
        id={(call) => String(call.place)}
        empty=""
        columns={[
          { title: "Provider", cell: (call) => call.provider },
          { title: "Model", cell: (call) => call.model || call.operation },
          { title: "In", numeric: true, cell: (call) => count(call.input_tokens) },
          { title: "Out", numeric: true, cell: (call) => count(call.output_tokens) },
          { title: "Took", numeric: true, cell: (call) => duration(call.latency_ms) },
          { title: "Cost", numeric: true, cell: (call) => dollars(call.cost_usd) },
          { title: "Remarks", cell: (call) => <small>{remarks(call)}</small> },
        ]}
      />
    </>
  );
}

function remarks(call: ModelCall): string {
  return [
    call.cached ? "from the cache" : "",
    call.replayed ? "paid for by an earlier attempt" : "",
    call.failed_over_from.length ? `instead of ${call.failed_over_from.map((one) => one.route).join(", ")}` : "",
  ]
    .filter(Boolean)
    .join("; ");
}
