/** Lists that come in pages: the first keeps itself fresh, those behind it are read when somebody wants them. */

import { useEffect, useState } from "preact/hooks";
import { ApiError, get, withQuery } from "./api.ts";
import { usePolled } from "./polling.ts";
import type { Polled } from "./polling.ts";

const A_PAGE = 100;

export interface Page {
  cursor: string | null;
}

export interface Pages<Row> {
  first: Polled<unknown>;
  rows: Row[];
  /** Reads the next page; none where there is no next page. */
  more: (() => void) | null;
}

export function usePages<Answer extends Page, Row>(
  path: string,
  filter: Record<string, string | undefined>,
  rowsOf: (answer: Answer) => Row[],
  idOf: (row: Row) => string,
): Pages<Row> {
  const address = withQuery(path, { ...filter, limit: A_PAGE });
  const first = usePolled<Answer>(address);
  const [later, setLater] = useState<{ of: string; answers: Answer[] }>({ of: address, answers: [] });
  const [problem, setProblem] = useState<ApiError | null>(null);
  useEffect(() => setProblem(null), [address]);
  const answers = later.of === address ? later.answers : [];
  const all = first.data ? [first.data, ...answers] : [];
  const cursor = all.at(-1)?.cursor;
  const read = async (from: string) => {
    try {
      const answer = await get<Answer>(withQuery(path, { ...filter, limit: A_PAGE, cursor: from }));
      setProblem(null);
      setLater({ of: address, answers: [...answers, answer] });
    } catch (error) {
      setProblem(error instanceof ApiError ? error : new ApiError(0, String(error)));
    }
  };
  const rows = new Map(all.flatMap(rowsOf).map((row) => [idOf(row), row]));
  return {
    first: { ...first, problem: first.problem ?? problem },
    rows: [...rows.values()],
    more: cursor ? () => void read(cursor) : null,
  };
}
