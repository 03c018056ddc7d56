import type { JSX } from "preact";
import { withQuery } from "../api.ts";
import { Chart } from "../chart.tsx";
import { usePolled } from "../polling.ts";
import { go, linkTo } from "../route.ts";
import { count, dollars, percent, when } from "../format.ts";
import { Choice, Loading, Table, Tile } from "../parts.tsx";
import type { Costs as Found } from "../shapes.ts";

const WINDOWS = ["daily", "monthly", "yearly"] as const;
const SIDES = ["provider", "task", "tenant", "tag", "model", "operation"] as const;

export function Costs(props: { query: URLSearchParams }): JSX.Element {
  const chosen = { window: props.query.get("window") ?? "monthly", by: props.query.get("by") ?? "provider" };
  const costs = usePolled<Found>(withQuery("/api/costs", chosen), 5_000);
  const choose = (change: Partial<typeof chosen>) => go(linkTo("costs", undefined, { ...chosen, ...change }));
  return (
    <>
      <h1>Costs</h1>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Choice label="Window" value={chosen.window} of={WINDOWS} choose={(window) => choose({ window })} />
        <Choice label="By" value={chosen.by} of={SIDES} choose={(by) => choose({ by })} />
      </form>
      <Loading of={costs}>
        {(found) => (
          <>
            <Totals of={found} />
            <h2>Day by day</h2>
            <Chart
              label={`Spent a day, ${found.first_day} to ${found.last_day}`}
              times={found.days.map((one) => one.day)}
              unit="$"
              values={found.days.map((one) => Number(one.cost_usd))}
            />
            <h2>By {chosen.by}</h2>
            <Table
              caption={`Costs by ${chosen.by}`}
              rows={found.groups}
              id={(group) => group.name}
              empty="Nothing was spent."
              columns={[
                { title: "Name", cell: (group) => <bdi>{group.name}</bdi> },
                { title: "Cost", numeric: true, cell: (group) => dollars(group.cost_usd) },
                { title: "Calls", numeric: true, cell: (group) => count(group.calls) },
                { title: "Tokens in", numeric: true, cell: (group) => count(group.input_tokens) },
                { title: "Tokens out", numeric: true, cell: (group) => count(group.output_tokens) },
                { title: "Jobs", numeric: true, cell: (group) => count(group.jobs) },
                { title: "A job", numeric: true, cell: (group) => dollars(group.cost_per_job_usd) },
                { title: "Saved", numeric: true, cell: (group) => dollars(group.cache_saved_usd) },
              ]}
            />
            <h2>How long budgets last</h2>
            <Table
              caption="How long budgets last at the rate of the last seven days"
              rows={found.runway}
              id={(one) => `${one.scope} ${one.window}`}
              empty="No budget has a limit."
              columns={[
                { title: "Budget", cell: (one) => <bdi>{`${one.scope}, ${one.window}`}</bdi> },
                { title: "Left", numeric: true, cell: (one) => dollars(one.left_usd) },
                { title: "A day", numeric: true, cell: (one) => dollars(one.a_day_usd) },
                { title: "Days", numeric: true, cell: (one) => (one.days === null ? "–" : one.days.toFixed(1)) },
                { title: "Runs out", cell: (one) => (one.runs_out_at ? when(one.runs_out_at) : "not in this window") },
              ]}
            />
          </>
        )}
      </Loading>
    </>
  );
}

function Totals(props: { of: Found }): JSX.Element {
  const { total, trend, projection } = props.of;
  return (
    <dl class="tiles">
      <Tile title="Spent" value={dollars(total.cost_usd)} more={`${count(total.calls)} calls, ${count(total.jobs)} jobs`} />
      <Tile title="Today" value={dollars(trend.today_usd)} more={change(trend.change_on_yesterday, "yesterday")} />
      <Tile title="A job" value={dollars(total.cost_per_job_usd)} more="on average" />
      <Tile title="Saved" value={dollars(total.cache_saved_usd)} more={`${count(total.cache_hits)} answers from the cache`} />
      <Tile title="A month" value={dollars(projection.monthly_usd)} more="if it goes on like this" />
      <Tile title="A year" value={dollars(projection.yearly_usd)} />
    </dl>
  );
}

function change(ratio: number | null, on: string): string | undefined {
  return ratio === null ? undefined : `${ratio < 0 ? "−" : "+"}${percent(Math.abs(ratio))} on ${on}`;
}
