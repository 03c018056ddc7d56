import type { JSX } from "preact";
import { usePolled } from "../polling.ts";
import { linkTo } from "../route.ts";
import { dollars, duration, when } from "../format.ts";
import { Act, Facts, Json, Loading, State, Text } from "../parts.tsx";
import { useMayOperate } from "../rights.ts";
import { StateOfRun } from "./runs.tsx";
import type { RunDetail, RunStep } from "../shapes.ts";

export function Run(props: { id: string }): JSX.Element {
  const path = `/api/runs/${encodeURIComponent(props.id)}`;
  const run = usePolled<RunDetail>(path, 1_000);
  const mayOperate = useMayOperate();
  return (
    <>
      <h1>Run {props.id}</h1>
      <Loading of={run}>
        {(found) => (
          <>
            <Facts
              of={[
                ["Saga", <a href={linkTo("runs", undefined, { saga: found.saga })}>{found.saga}</a>],
                ["Tenant", found.tenant],
                ["State", <StateOfRun of={found} />],
                ["Started", when(found.started_at)],
                ["Ended", when(found.ended_at)],
                ["Took", duration(found.duration_ms)],
                ["Cost", dollars(found.cost_usd)],
              ]}
            />
            {found.error ? (
              <p class="problem">
                {found.error.class.replaceAll("_", " ")}: <Text of={found.error.message} />
              </p>
            ) : null}
            {found.standing.length ? (
              <p class="problem">
                Not taken back: {found.standing.map((one) => `${one.step} (${one.why.replaceAll("_", " ")})`).join(", ")}
              </p>
            ) : null}
            {mayOperate ? <Acts run={found} path={path} done={run.refresh} /> : null}
            <h2>Steps</h2>
            <ol class="picture" aria-label="Steps of the saga, in order">
              {found.steps.map((step) => (
                <Step key={step.name} of={step} />
              ))}
            </ol>
            {found.steps.map((step) => (
              <Json key={step.name} title={`Output of ${step.name}`} of={step.output} />
            ))}
          </>
        )}
      </Loading>
    </>
  );
}

function Acts(props: { run: RunDetail; path: string; done: () => void }): JSX.Element {
  const { links } = props.run;
  return (
    <p class="acts">
      {links.approve ? <Act label="Approve" path={`${props.path}/approve`} done={props.done} /> : null}
      {links.reject ? (
        <Act
          label="Reject"
          path={`${props.path}/reject`}
          question="Reject this run? What it has done is undone."
          done={props.done}
        />
      ) : null}
      {links.abort ? (
        <Act label="Abort" path={`${props.path}/abort`} question="Abort this run? What it has done is undone." done={props.done} />
      ) : null}
      {links.redrive ? <Act label="Redrive" path={`${props.path}/redrive`} done={props.done} /> : null}
    </p>
  );
}

function Step(props: { of: RunStep }): JSX.Element {
  const step = props.of;
  return (
    <li class={`step ${step.state}${step.is_undone ? " undone" : ""}`}>
      <strong>{step.name}</strong>
      <span>
        <State of={step.state} />
        {step.is_in_doubt ? <small> in doubt</small> : null}
      </span>
      <small>
        {step.job_id ? <a href={linkTo("jobs", step.job_id)}>{step.task}</a> : (step.task ?? step.kind)}
        {step.run_ms === null ? "" : ` · ${duration(step.run_ms)}`}
        {step.attempts > 1 ? ` · ${step.attempts} attempts` : ""}
        {step.cost_usd ? ` · ${dollars(step.cost_usd)}` : ""}
      </small>
      {step.error ? (
        <small class="problem">
          {step.error.class.replaceAll("_", " ")}: <Text of={step.error.message} />
        </small>
      ) : null}
      {step.undo ? (
        <small>
          undo <a href={linkTo("jobs", step.undo.job_id)}>{step.undo.task}</a>: <State of={step.undo.state} />
        </small>
      ) : null}
    </li>
  );
}
