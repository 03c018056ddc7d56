import type { JSX } from "preact";
import { usePolled } from "../polling.ts";
import { linkTo } from "../route.ts";
import { count, duration, percent } from "../format.ts";
import { Loading, State, Table } from "../parts.tsx";
import type { Worker } from "../shapes.ts";

export function Workers(): JSX.Element {
  const workers = usePolled<{ workers: Worker[] }>("/api/workers");
  return (
    <>
      <h1>Workers</h1>
      <Loading of={workers}>
        {(found) => (
          <Table
            caption="Workers"
            rows={found.workers}
            id={(worker) => worker.task}
            empty="No task is deployed."
            columns={[
              { title: "Task", cell: (worker) => <a href={linkTo("jobs", undefined, { task: worker.task })}>{worker.task}</a> },
              { title: "State", cell: (worker) => (worker.paused ? <State of="paused" /> : "running") },
              { title: "Active", numeric: true, cell: (worker) => `${count(worker.jobs.active)} of ${count(worker.most_at_once)}` },
              { title: "A minute", numeric: true, cell: (worker) => worker.jobs.throughput_per_minute?.toFixed(1) ?? "–" },
              { title: "Success", numeric: true, cell: (worker) => percent(worker.jobs.success_rate) },
              { title: "A run", numeric: true, cell: (worker) => duration(worker.jobs.average_run_ms) },
              { title: "Wait", numeric: true, cell: (worker) => duration(worker.average_wait_ms) },
              { title: "Attempts", numeric: true, cell: (worker) => worker.average_attempts?.toFixed(2) ?? "–" },
              { title: "Dead letters", numeric: true, cell: (worker) => count(worker.jobs.dead_letters) },
              { title: "Timeout", numeric: true, cell: (worker) => duration(worker.timeout_s * 1000) },
              { title: "Memory", numeric: true, cell: (worker) => `${count(worker.memory_mb)} MB` },
              { title: "Models", cell: (worker) => <bdi>{worker.models.join(", ") || "as backstay.toml says"}</bdi> },
            ]}
          />
        )}
      </Loading>
    </>
  );
}
