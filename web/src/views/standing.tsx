/** What stands above the tasks on the overview: whether the house is well, what today brought, what jobs did before. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { count, dollars, duration, percent } from "../format.ts";
import { Choice, State, Tile } from "../parts.tsx";
import { usePolled } from "../polling.ts";
import { linkTo } from "../route.ts";
import type { JobsHistory, Standing } from "../shapes.ts";

const RANGES = ["hour", "day", "week", "month", "year"] as const;

export function HowItStands(props: { of: Standing }): JSX.Element | null {
  const { status, reasons } = props.of;
  if (status === null) return null;
  return (
    <section class="standing" aria-label="Health">
      <State of={status} />
      <ul>
        {(reasons ?? []).map((one) => (
          <li key={`${one.about} ${one.text}`}>
            <bdi>{one.about}</bdi>: {one.text}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Today(props: { of: Standing }): JSX.Element {
  const { health, alerts, budgets } = props.of;
  const most = budgets?.[0];
  return (
    <dl class="tiles">
      <Tile title="Spent today" value={dollars(props.of.cost_today_usd)} more={`${count(props.of.calls_today)} calls`} />
      <Tile title="From the cache" value={count(health.cache.hits)} more={`${percent(health.cache.hit_rate)} of questions`} />
      <Tile title="A run takes" value={duration(health.worker.average_run_ms)} more="on average, in the last hour" />
      <Tile
        title="Runs of sagas"
        value={<a href={linkTo("runs")}>{count(health.workflows.active)}</a>}
        more={`${count(health.workflows.stuck)} stuck, ${count(health.workflows.pending_compensations)} need a person`}
      />
      {alerts ? <Tile title="Alerts" value={<a href={linkTo("alerts")}>{count(alerts.unresolved)}</a>} more="not resolved" /> : null}
      {most ? <Tile title="Fullest budget" value={`${most.used_percent.toFixed(0)} %`} more={`${most.scope}, ${most.window}`} /> : null}
    </dl>
  );
}

export function History(): JSX.Element {
  const [range, setRange] = useState<string>("hour");
  const history = usePolled<JobsHistory>(`/api/history/jobs/${range}`, 30_000);
  const points = history.data?.points ?? [];
  const ended = points.map((one) => one.jobs.completed + one.jobs.failed);
  const failed = points.reduce((sum, one) => sum + one.jobs.failed, 0);
  const all = ended.reduce((sum, one) => sum + one, 0);
  return (
    <section aria-label="History">
      <h2>Jobs that ended</h2>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Choice label="In the last" value={range} of={RANGES} choose={setRange} />
      </form>
      <Chart label={`Jobs that ended in the last ${range}`} times={points.map((one) => one.at)} values={ended} />
      <p>
        {count(all)} ended in the last {range}, {count(failed)} of them failed.
      </p>
    </section>
  );
}
