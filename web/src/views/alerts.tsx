import type { JSX } from "preact";
import { Listing } from "../listing.tsx";
import { usePages } from "../pages.ts";
import { usePolled } from "../polling.ts";
import { go, linkTo } from "../route.ts";
import { ago, count, when } from "../format.ts";
import { Act, Choice, Loading, State, Table, Text } from "../parts.tsx";
import { useMayOperate } from "../rights.ts";
import { Maintenance } from "./maintenance.tsx";
import type { Page } from "../pages.ts";
import type { Alert, Silence } from "../shapes.ts";

const STATES = ["unresolved", "open", "acknowledged", "resolved"] as const;

export function Alerts(props: { query: URLSearchParams }): JSX.Element {
  const state = props.query.get("state") ?? "";
  const silences = usePolled<{ silences: Silence[] }>("/api/silences", 5_000);
  const pages = usePages<{ alerts: Alert[] } & Page, Alert>(
    "/api/alerts",
    { state },
    (page) => page.alerts,
    (alert) => alert.id,
  );
  const done = () => (pages.first.refresh(), silences.refresh());
  const mayOperate = useMayOperate();
  return (
    <>
      <h1>Alerts</h1>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Choice
          label="State"
          all="every state"
          value={state}
          of={STATES}
          choose={(chosen) => go(linkTo("alerts", undefined, { state: chosen }))}
        />
      </form>
      <Listing
        of={pages}
        caption="Alerts, latest first"
        id={(alert) => alert.id}
        empty="There is nothing to tell."
        columns={[
          { title: "Severity", cell: (alert) => <State of={alert.severity} /> },
          { title: "What", cell: (alert) => <Text of={alert.text} /> },
          { title: "Rule", cell: (alert) => alert.rule },
          { title: "About", cell: (alert) => <bdi>{alert.source}</bdi> },
          { title: "State", cell: (alert) => <StateOfAlert of={alert} /> },
          { title: "Opened", cell: (alert) => <time title={when(alert.opened_at)}>{ago(alert.opened_at)}</time> },
          { title: "Told", numeric: true, cell: (alert) => count(alert.count) },
          { title: "Sent to", cell: (alert) => <Deliveries of={alert} /> },
          ...(mayOperate ? [{ title: "Act", cell: (alert: Alert) => <Acts of={alert} done={done} /> }] : []),
        ]}
      />
      <h2>Silences</h2>
      <Loading of={silences}>
        {(found) => (
          <Table
            caption="Silences"
            rows={found.silences}
            id={(one) => one.id}
            empty="Nothing is silenced."
            columns={[
              { title: "Of", cell: (one) => <bdi>{`${one.covers} ${one.value}`}</bdi> },
              { title: "Until", cell: (one) => when(one.ends_at) },
              { title: "Why", cell: (one) => <Text of={one.reason || "–"} /> },
              ...(mayOperate
                ? [
                    {
                      title: "Act",
                      cell: (one: Silence) => (
                        <Act label="End" method="DELETE" path={`/api/silences/${encodeURIComponent(one.id)}`} done={done} />
                      ),
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Loading>
      <Maintenance />
    </>
  );
}

function StateOfAlert(props: { of: Alert }): JSX.Element {
  const { state, muted_by: muted, resolved_by: by } = props.of;
  return (
    <>
      <State of={state === "open" ? "unresolved" : state} />
      {muted ? <small> nobody was told: {muted}</small> : null}
      {by ? <small> {by}</small> : null}
    </>
  );
}

function Deliveries(props: { of: Alert }): JSX.Element {
  return <>{props.of.deliveries.map((one) => `${one.channel}${one.state === "sent" ? "" : ` (${one.error ?? one.state})`}`).join(", ") || "–"}</>;
}

function Acts(props: { of: Alert; done: () => void }): JSX.Element | null {
  const { of: alert, done } = props;
  if (alert.state === "resolved") return null;
  const path = `/api/alerts/${encodeURIComponent(alert.id)}`;
  return (
    <span class="acts">
      {alert.state === "open" ? <Act label="Acknowledge" path={`${path}/acknowledge`} done={done} /> : null}
      <Act label="Resolve" path={`${path}/resolve`} done={done} />
      <Act
        label="Silence"
        path="/api/silences"
        body={{ rule: alert.rule, minutes: 60 }}
        question={`Tell nobody of ${alert.rule} for an hour? Alerts are recorded all the same.`}
        done={done}
      />
    </span>
  );
}
