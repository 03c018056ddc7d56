import type { JSX } from "preact";
import { usePolled } from "../polling.ts";
import { linkTo } from "../route.ts";
import { count, duration, percent } from "../format.ts";
import { Act, Loading, State, Table, Tile } from "../parts.tsx";
import { useMayOperate } from "../rights.ts";
import { History, HowItStands, Today } from "./standing.tsx";
import type { Standing, Statistics, TaskNumbers } from "../shapes.ts";

export function Overview(): JSX.Element {
  const stats = usePolled<Statistics>("/api/stats");
  const standing = usePolled<Standing>("/api/overview", 5_000);
  const mayOperate = useMayOperate();
  return (
    <>
      <h1>Overview</h1>
      {standing.data ? <HowItStands of={standing.data} /> : null}
      <Loading of={{ ...stats, problem: stats.problem ?? standing.problem }}>
        {({ total, tasks }) => (
          <>
            <dl class="tiles">
              <Tile title="Waiting" value={count(total.waiting)} more={oldest(total.oldest_waiting_s)} />
              <Tile title="Active" value={count(total.active)} />
              <Tile title="Delayed" value={count(total.delayed)} />
              <Tile title="Completed" value={count(total.completed)} more={`${rate(total.throughput_per_minute)} a minute`} />
              <Tile title="Failed" value={<a href={linkTo("dead-letters")}>{count(total.failed)}</a>} />
              <Tile title="Success" value={percent(total.success_rate)} more="of the last hour" />
            </dl>
            {standing.data ? <Today of={standing.data} /> : null}
            {standing.data && standing.data.tenant === null ? <History /> : null}
            <h2>Tasks</h2>
            <Table
              caption="Tasks"
              rows={tasks}
              id={(task) => task.task}
              empty="No task is deployed."
              columns={[
                { title: "Task", cell: (task) => <a href={linkTo("jobs", undefined, { task: task.task })}>{task.task}</a> },
                { title: "State", cell: (task) => (task.paused ? <State of="paused" /> : "running") },
                { title: "Waiting", numeric: true, cell: (task) => count(task.waiting) },
                { title: "Oldest", numeric: true, cell: (task) => duration(seconds(task.oldest_waiting_s)) },
                { title: "Active", numeric: true, cell: (task) => count(task.active) },
                { title: "Delayed", numeric: true, cell: (task) => count(task.delayed) },
                { title: "Completed", numeric: true, cell: (task) => count(task.completed) },
                { title: "Failed", numeric: true, cell: (task) => count(task.failed) },
                { title: "Success", numeric: true, cell: (task) => percent(task.success_rate) },
                ...(mayOperate ? [{ title: "Act", cell: (task: TaskNumbers) => pausing(task, stats.refresh) }] : []),
              ]}
            />
          </>
        )}
      </Loading>
    </>
  );
}

function pausing(task: TaskNumbers, done: () => void): JSX.Element | null {
  if (task.paused === null) return null;
  const path = `/api/tasks/${encodeURIComponent(task.task)}`;
  return task.paused ? (
    <Act label="Resume" path={`${path}/resume`} done={done} />
  ) : (
    <Act
      label="Pause"
      path={`${path}/pause`}
      question={`Pause ${task.task}? Its jobs wait until it is resumed; nothing is lost.`}
      done={done}
    />
  );
}

function seconds(value: number | null): number | null {
  return value === null ? null : value * 1000;
}

function oldest(value: number | null): string | undefined {
  return value === null ? undefined : `oldest for ${duration(value * 1000)}`;
}

function rate(value: number | null): string {
  return value === null ? "–" : value.toFixed(value < 10 ? 1 : 0);
}
