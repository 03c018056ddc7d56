/** A table of a list that comes in pages. */

import type { JSX } from "preact";
import { Loading, Table } from "./parts.tsx";
import type { TableProps } from "./parts.tsx";
import type { Pages } from "./pages.ts";

export function Listing<Row>(props: { of: Pages<Row> } & Omit<TableProps<Row>, "rows">): JSX.Element {
  const { of: pages, ...table } = props;
  return (
    <Loading of={pages.first}>
      {() => (
        <>
          <Table {...table} rows={pages.rows} />
          <More of={pages} />
        </>
      )}
    </Loading>
  );
}

export function More<Row>(props: { of: Pages<Row> }): JSX.Element | null {
  return props.of.more ? (
    <button type="button" onClick={props.of.more}>
      More
    </button>
  ) : null;
}
