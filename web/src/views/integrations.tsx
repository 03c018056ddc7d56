import type { JSX } from "preact";
import { usePolled } from "../polling.ts";
import { count, dollars, duration, percent } from "../format.ts";
import { Loading, State, Table } from "../parts.tsx";
import type { Integration } from "../shapes.ts";

export function Integrations(): JSX.Element {
  const integrations = usePolled<{ integrations: Integration[] }>("/api/integrations", 5_000);
  return (
    <>
      <h1>Integrations</h1>
      <Loading of={integrations}>
        {(found) => (
          <Table
            caption="What the house talks to"
            rows={found.integrations}
            id={(one) => `${one.kind} ${one.name}`}
            empty="The house talks to nobody."
            columns={[
              { title: "Name", cell: (one) => <bdi>{one.name}</bdi> },
              { title: "Kind", cell: (one) => one.kind },
              { title: "State", cell: (one) => (one.state ? <State of={one.state} /> : "–") },
              { title: "Success", numeric: true, cell: (one) => percent(one.success_rate) },
              { title: "Takes", numeric: true, cell: (one) => duration(one.average_latency_ms) },
              { title: "Calls today", numeric: true, cell: (one) => count(one.calls_today) },
              { title: "Cost today", numeric: true, cell: (one) => dollars(one.cost_today_usd) },
              { title: "What it is", cell: (one) => <bdi>{one.detail}</bdi> },
            ]}
          />
        )}
      </Loading>
    </>
  );
}
