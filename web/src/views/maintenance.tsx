import type { JSX, TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { send } from "../api.ts";
import { usePolled } from "../polling.ts";
import { when } from "../format.ts";
import { Act, Loading, Table, Text } from "../parts.tsx";
import { useMayOperate } from "../rights.ts";
import type { MaintenanceWindow } from "../shapes.ts";

const HOUR_MS = 3_600_000;

/** When alerts are expected, and nobody is to be told of them. */
export function Maintenance(): JSX.Element {
  const windows = usePolled<{ maintenance_windows: MaintenanceWindow[] }>("/api/maintenance-windows", 5_000);
  const mayOperate = useMayOperate();
  return (
    <>
      <h2>Maintenance windows</h2>
      <Loading of={windows}>
        {(found) => (
          <Table
            caption="Maintenance windows"
            rows={found.maintenance_windows}
            id={(one) => one.id}
            empty="None is planned."
            columns={[
              { title: "Of", cell: (one) => one.categories.join(", ") || "everything" },
              { title: "From", cell: (one) => when(one.begins_at) },
              { title: "Until", cell: (one) => when(one.ends_at) },
              { title: "Why", cell: (one) => <Text of={one.reason || "–"} /> },
              ...(mayOperate
                ? [
                    {
                      title: "Act",
                      cell: (one: MaintenanceWindow) => (
                        <Act
                          label="End"
                          method="DELETE"
                          path={`/api/maintenance-windows/${encodeURIComponent(one.id)}`}
                          done={windows.refresh}
                        />
                      ),
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Loading>
      {mayOperate ? <Plan done={windows.refresh} /> : null}
    </>
  );
}

function Plan(props: { done: () => void }): JSX.Element {
  const [problem, setProblem] = useState<string | null>(null);
  const plan = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const begins = given.get("begins") ? new Date(String(given.get("begins"))) : new Date();
    const ends = new Date(begins.getTime() + Number(given.get("hours")) * HOUR_MS);
    try {
      await send("POST", "/api/maintenance-windows", {
        categories: String(given.get("categories")).split(/[\s,]+/).filter(Boolean),
        begins_at: begins.toISOString(),
        ends_at: ends.toISOString(),
        reason: String(given.get("reason")),
      });
      setProblem(null);
      form.reset();
      props.done();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form class="filter" onSubmit={plan} aria-label="Plan a maintenance window">
      <label>
        From <input name="begins" type="datetime-local" aria-description="Without one, from now on" />
      </label>
      <label>
        for hours <input name="hours" type="number" min="0.25" max="720" step="0.25" value="1" required />
      </label>
      <label>
        of categories <input name="categories" placeholder="everything" />
      </label>
      <label>
        why <input name="reason" maxLength={500} />
      </label>
      <button>Plan</button>
      {problem ? (
        <span class="problem" role="alert">
          {problem}
        </span>
      ) : null}
    </form>
  );
}
