import type { JSX } from "preact";
import { Listing } from "../listing.tsx";
import { usePages } from "../pages.ts";
import { linkTo } from "../route.ts";
import { ago, when } from "../format.ts";
import { Act, Text } from "../parts.tsx";
import { useMayOperate } from "../rights.ts";
import type { DeadLetter, DeadLetterPage } from "../shapes.ts";

export function DeadLetters(props: { query: URLSearchParams }): JSX.Element {
  const filter = { task: props.query.get("task") ?? "" };
  const mayOperate = useMayOperate();
  const pages = usePages<DeadLetterPage, DeadLetter>(
    "/api/dead-letters",
    filter,
    (page) => page.dead_letters,
    (letter) => letter.id,
  );
  const redrive = { path: "/api/dead-letters/redrive", done: pages.first.refresh };
  return (
    <>
      <h1>Dead letters</h1>
      {mayOperate && pages.rows.length ? (
        <p class="acts">
          <Act {...redrive} label="Redrive all" body={{ all: true }} question="Send every failed job anew? They may cost money again." />
        </p>
      ) : null}
      <Listing
        of={pages}
        caption="Dead letters, newest first"
        id={(letter) => letter.id}
        empty="Nothing has failed for good."
        columns={[
          {
            title: "Job",
            cell: (one) => (one.job_id ? <a href={linkTo("jobs", one.job_id)}>{one.job_id}</a> : "a message that is no job"),
          },
          { title: "Task", cell: (one) => one.task },
          { title: "Tenant", cell: (one) => one.tenant },
          { title: "Failed", cell: (one) => <time title={when(one.failed_at)}>{ago(one.failed_at)}</time> },
          { title: "Why", cell: (one) => <Why of={one} /> },
          ...(mayOperate
            ? [{ title: "Act", cell: (one: DeadLetter) => <Act {...redrive} label="Redrive" body={{ ids: [one.id] }} /> }]
            : []),
        ]}
      />
    </>
  );
}

function Why(props: { of: DeadLetter }): JSX.Element {
  return (
    <>
      {props.of.error_class.replaceAll("_", " ")}: <Text of={props.of.message || (props.of.body ?? "")} />
    </>
  );
}
