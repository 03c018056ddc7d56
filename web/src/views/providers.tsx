import type { JSX } from "preact";
import { usePolled } from "../polling.ts";
import { ago, count, dollars, duration, percent } from "../format.ts";
import { Act, Facts, Loading, State } from "../parts.tsx";
import { useMayOperate } from "../rights.ts";
import type { Provider } from "../shapes.ts";

export function Providers(): JSX.Element {
  const providers = usePolled<{ providers: Provider[] }>("/api/providers");
  return (
    <>
      <h1>Providers</h1>
      <Loading of={providers}>
        {(found) => (
          <div class="cards">
            {found.providers.map((provider) => (
              <Card key={provider.name} of={provider} done={providers.refresh} />
            ))}
          </div>
        )}
      </Loading>
    </>
  );
}

function Card(props: { of: Provider; done: () => void }): JSX.Element {
  const { of: provider, done } = props;
  const mayOperate = useMayOperate();
  const path = `/api/providers/${encodeURIComponent(provider.name)}`;
  const last = provider.breaker.transitions.at(-1);
  return (
    <section class="card" aria-label={provider.name}>
      <h2>
        {provider.name} <small>{provider.kind}</small>
      </h2>
      {provider.missing ? <p class="problem">{provider.missing}</p> : null}
      <Facts
        of={[
          ["Breaker", <State of={provider.paused ? "paused" : provider.breaker.state} />],
          ["Failures in a row", `${provider.breaker.failures} of ${provider.breaker.failure_threshold}`],
          ["Next probe", ago(provider.breaker.next_attempt_at)],
          ["Last change", last ? `${last.before} → ${last.after}, ${ago(last.at)}` : "–"],
          ["Calls today", count(provider.today.calls)],
          ["Success today", percent(provider.today.success_rate)],
          ["Average latency", duration(provider.today.average_latency_ms)],
          ["Cost today", dollars(provider.today.cost_usd)],
          ["Requests this minute", used(provider.rate?.requests, provider.rate?.requests_per_minute)],
          ["Tokens this minute", used(provider.rate?.tokens, provider.rate?.tokens_per_minute)],
          ["Credit", dollars(provider.credit?.remaining_usd)],
        ]}
      />
      {mayOperate ? (
        <p class="acts">
          {provider.paused ? (
            <Act label="Resume" path={`${path}/resume`} done={done} />
          ) : (
            <Act
              label="Pause"
              path={`${path}/pause`}
              question={`Pause ${provider.name}? Calls go to the next route, or their jobs wait.`}
              done={done}
            />
          )}
          {provider.breaker.state === "closed" ? null : (
            <Act label="Reset breaker" path={`/api/breakers/${encodeURIComponent(provider.name)}/reset`} done={done} />
          )}
        </p>
      ) : null}
    </section>
  );
}

function used(now: number | undefined, most: number | null | undefined): string {
  return now === undefined ? "–" : `${count(now)} of ${most === null ? "any number" : count(most)}`;
}
