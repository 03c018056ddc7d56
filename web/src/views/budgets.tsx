import type { JSX } from "preact";
import { More } from "../listing.tsx";
import { usePages } from "../pages.ts";
import { dollars, when } from "../format.ts";
import { Loading } from "../parts.tsx";
import type { Page } from "../pages.ts";
import type { Budget, BudgetWindow } from "../shapes.ts";

export function Budgets(): JSX.Element {
  const pages = usePages<{ budgets: Budget[] } & Page, Budget>("/api/budgets", {}, (page) => page.budgets, (one) => one.scope);
  return (
    <>
      <h1>Budgets</h1>
      <Loading of={pages.first}>
        {() => (
          <div class="cards">
            {pages.rows.map((budget) => (
              <section class="card" key={budget.scope} aria-label={budget.scope}>
                <h2>
                  <bdi>{budget.scope}</bdi>
                </h2>
                {budget.windows.map((window) => (
                  <Window key={window.window} of={window} />
                ))}
                <small>{dollars(budget.reserved)} are held for calls under way</small>
              </section>
            ))}
          </div>
        )}
      </Loading>
      <More of={pages} />
    </>
  );
}

function Window(props: { of: BudgetWindow }): JSX.Element {
  const { of: window } = props;
  const title = `${window.window}, ${window.period}`;
  return (
    <div class="budget">
      <span title={`turns ${when(window.turns_at)}`}>{title}</span>
      <span>
        {dollars(window.spent)}
        {window.limit === null ? " spent, no limit" : ` of ${dollars(window.limit)}${window.hard ? "" : " (soft)"}`}
      </span>
      {window.used_percent === null ? null : (
        <meter aria-label={title} min={0} max={100} high={75} optimum={0} value={Math.min(100, window.used_percent)} />
      )}
    </div>
  );
}
