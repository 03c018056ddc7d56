/** What all views are made of. Text from jobs is shown as text, bounded, and in a direction of its own. */

import type { ComponentChildren, JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { send } from "./api.ts";
import type { Polled } from "./polling.ts";

const LONGEST_SHOWN = 20_000;

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  numeric?: boolean;
}

export interface TableProps<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  id: (row: Row) => string;
  /** What is said where there are none. */
  empty: string;
}

export function Table<Row>(props: TableProps<Row>): JSX.Element {
  if (!props.rows.length) return <p class="empty">{props.empty}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={props.caption}>
      <table>
        <caption class="unseen">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th scope="col" class={column.numeric ? "number" : ""}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.id(row)}>
              {props.columns.map((column) => (
                <td data-title={column.title} class={column.numeric ? "number" : ""}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const GOOD = new Set(["completed", "closed", "healthy", "resolved", "approved"]);
const BAD = new Set(["failed", "open", "unhealthy", "compensation_failed", "critical", "emergency", "rejected", "unresolved"]);
const WARNING = new Set(["half_open", "degraded", "warning", "compensated", "aborted", "paused", "held", "acknowledged"]);

export function State(props: { of: string }): JSX.Element {
  const mood = GOOD.has(props.of) ? "good" : BAD.has(props.of) ? "bad" : WARNING.has(props.of) ? "warn" : "calm";
  return <span class={`state ${mood}`}>{props.of.replaceAll("_", " ")}</span>;
}

export function Tile(props: { title: string; value: ComponentChildren; more?: ComponentChildren }): JSX.Element {
  return (
    <div class="tile">
      <dt>{props.title}</dt>
      <dd>
        <strong>{props.value}</strong>
        {props.more ? <small>{props.more}</small> : null}
      </dd>
    </div>
  );
}

/** What one waits for, or why it does not come; data that was there stays while a new answer fails. */
export function Loading<T>(props: { of: Polled<T>; children: (data: T) => ComponentChildren }): JSX.Element {
  const { data, problem } = props.of;
  return (
    <>
      {problem ? (
        <p class="problem" role="alert">
          {problem.message} {data ? "What stands below may be old. " : ""}
          <button type="button" onClick={props.of.refresh}>
            Try again
          </button>
        </p>
      ) : null}
      {data ? props.children(data) : problem ? null : <p class="empty">Loading…</p>}
    </>
  );
}

export function Facts(props: { of: [string, ComponentChildren][] }): JSX.Element {
  return (
    <dl class="facts">
      {props.of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Text(props: { of: string }): JSX.Element {
  return <bdi>{props.of.length > 300 ? `${props.of.slice(0, 300)}…` : props.of}</bdi>;
}

export function Json(props: { title: string; of: unknown }): JSX.Element | null {
  const [isWhole, setWhole] = useState(false);
  if (props.of === null || props.of === undefined) return null;
  const text = JSON.stringify(props.of, null, 2);
  const isLong = text.length > LONGEST_SHOWN;
  return (
    <section>
      <h2>{props.title}</h2>
      <pre dir="auto" tabIndex={0} aria-label={props.title}>
        {isLong && !isWhole ? text.slice(0, LONGEST_SHOWN) : text}
      </pre>
      {isLong && !isWhole ? (
        <button type="button" onClick={() => setWhole(true)}>
          Show all {Math.round(text.length / 1000)} kB
        </button>
      ) : null}
    </section>
  );
}

/** A button that acts, after a question where the act can't be taken back. Says what went wrong where it stands. */
export function Act(props: {
  label: string;
  method?: "POST" | "PUT" | "DELETE";
  path: string;
  body?: object;
  question?: string;
  done: () => void;
}): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const act = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await send(props.method ?? "POST", props.path, props.body);
      props.done();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <span class="act">
      <button type="button" disabled={isBusy} onClick={() => (props.question ? dialog.current?.showModal() : act())}>
        {isBusy ? "…" : props.label}
      </button>
      {props.question ? (
        <dialog ref={dialog} aria-labelledby={title} onClose={(event) => event.currentTarget.returnValue === "yes" && act()}>
          <form method="dialog">
            <p id={title}>{props.question}</p>
            <div class="answers">
              <button value="no">Leave it</button>
              <button value="yes" class="strong">
                {props.label}
              </button>
            </div>
          </form>
        </dialog>
      ) : null}
      {problem ? (
        <span class="problem" role="alert">
          {problem}
        </span>
      ) : null}
    </span>
  );
}

export function Choice(props: {
  label: string;
  value: string;
  of: readonly string[];
  /** What stands for no choice; without it there is always one. */
  all?: string;
  choose: (value: string) => void;
}): JSX.Element {
  return (
    <label>
      {props.label}{" "}
      <select value={props.value} onChange={(event) => props.choose(event.currentTarget.value)}>
        {props.all ? <option value="">{props.all}</option> : null}
        {props.of.map((one) => (
          <option value={one}>{one.replaceAll("_", " ")}</option>
        ))}
      </select>
    </label>
  );
}
