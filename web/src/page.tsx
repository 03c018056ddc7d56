/** The frame: who is signed in, where one is, and what is shown there. */

import type { JSX, TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./api.ts";
import { live, useIsLive } from "./live.ts";
import { forget, keep, key } from "./session.ts";
import { go, linkTo, usePlace } from "./route.ts";
import type { Place } from "./route.ts";
import type { Health } from "./shapes.ts";
import { MayOperate } from "./rights.ts";
import { Overview } from "./views/overview.tsx";
import { Jobs } from "./views/jobs.tsx";
import { Job } from "./views/job.tsx";
import { DeadLetters } from "./views/dead_letters.tsx";
import { Runs } from "./views/runs.tsx";
import { Run } from "./views/run.tsx";
import { Providers } from "./views/providers.tsx";
import { Budgets } from "./views/budgets.tsx";
import { Costs } from "./views/costs.tsx";
import { Alerts } from "./views/alerts.tsx";
import { Workers } from "./views/workers.tsx";
import { Integrations } from "./views/integrations.tsx";

const VIEWS: Record<string, { title: string; shown: (place: Place) => JSX.Element }> = {
  overview: { title: "Overview", shown: () => <Overview /> },
  jobs: { title: "Jobs", shown: (place) => (place.id ? <Job id={place.id} /> : <Jobs query={place.query} />) },
  "dead-letters": { title: "Dead letters", shown: (place) => <DeadLetters query={place.query} /> },
  runs: { title: "Runs", shown: (place) => (place.id ? <Run id={place.id} /> : <Runs query={place.query} />) },
  workers: { title: "Workers", shown: () => <Workers /> },
  providers: { title: "Providers", shown: () => <Providers /> },
  integrations: { title: "Integrations", shown: () => <Integrations /> },
  budgets: { title: "Budgets", shown: () => <Budgets /> },
  costs: { title: "Costs", shown: (place) => <Costs query={place.query} /> },
  alerts: { title: "Alerts", shown: (place) => <Alerts query={place.query} /> },
};

export function Page(): JSX.Element {
  const [health, setHealth] = useState<Health | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const signIn = async () => {
    setProblem(null);
    try {
      const found = await get<Health>("/health");
      if (found.key) setHealth(found);
      else forget();
    } catch (error) {
      setProblem(error instanceof ApiError && error.status === 401 ? "This key opens nothing." : String(error));
    }
  };
  useEffect(() => {
    if (key()) void signIn();
  }, []);
  if (!health?.key) return <SignIn problem={problem} signIn={signIn} />;
  const leave = () => {
    forget();
    setHealth(null);
  };
  return (
    <MayOperate.Provider value={health.key.scopes.includes("operate")}>
      <Frame health={health} leave={leave} />
    </MayOperate.Provider>
  );
}

function SignIn(props: { problem: string | null; signIn: () => Promise<void> }): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get("key");
    keep(String(given).trim());
    setBusy(true);
    await props.signIn();
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <h1>Backstay</h1>
      <form onSubmit={submit}>
        <label for="key">API key</label>
        <input id="key" name="key" type="password" autocomplete="off" spellcheck={false} required autofocus />
        <button class="strong" disabled={isBusy}>
          Sign in
        </button>
        {props.problem ? (
          <p class="problem" role="alert">
            {props.problem}
          </p>
        ) : null}
        <p>
          The key stays in this tab and is gone when the tab is. A key with the scope <code>read</code> may look, one with{" "}
          <code>operate</code> may act: <code>backstay keys create NAME --scope read</code>
        </p>
      </form>
    </main>
  );
}

function Frame(props: { health: Health; leave: () => void }): JSX.Element {
  const place = usePlace();
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, []);
  const view = VIEWS[place.view] ?? VIEWS.overview;
  const main = useRef<HTMLElement>(null);
  const title = view?.title ?? "";
  useEffect(() => {
    document.title = `${title} · Backstay ${props.health.stage ?? ""}`;
    main.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title, place.id]);
  return (
    <>
      <header>
        <a class="skip" href={linkTo(place.view)} onClick={(event) => (event.preventDefault(), main.current?.focus())}>
          Skip to content
        </a>
        <a class="name" href={linkTo("overview")}>
          Backstay <small>{props.health.stage}</small>
        </a>
        <nav aria-label="Views">
          {Object.entries(VIEWS).map(([name, one]) => (
            <a href={linkTo(name)} aria-current={name === place.view ? "page" : undefined}>
              {one.title}
            </a>
          ))}
        </nav>
        <Standing />
        <button type="button" onClick={() => (props.leave(), go(linkTo("overview")))}>
          Sign out
        </button>
      </header>
      <main ref={main} tabIndex={-1}>
        {view?.shown(place)}
      </main>
    </>
  );
}

function Standing(): JSX.Element {
  const isLive = useIsLive();
  const meaning = isLive ? "What changes is shown as it does." : "The page asks for what changed every few seconds.";
  return (
    <span class={isLive ? "standing live" : "standing"} role="status" title={meaning}>
      {isLive ? "Live" : "Polling"}
    </span>
  );
}
