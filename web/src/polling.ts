/** Data that keeps itself fresh: asked for again while somebody looks, at once when they come back, never twice at once. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./api.ts";

const EVERY_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

export interface Polled<T> {
  data: T | null;
  problem: ApiError | null;
  /** Ask again now. */
  refresh: () => void;
}

export function usePolled<T>(path: string | null, everyMs = EVERY_MS): Polled<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; problem: ApiError | null }>({
    path: null,
    data: null,
    problem: null,
  });
  const askNow = useRef<() => void>(() => undefined);
  useEffect(() => {
    if (path === null) return;
    const asked = path;
    const over = new AbortController();
    let timer = 0;
    let failures = 0;
    let asking = false;
    const ask = async () => {
      clearTimeout(timer);
      if (asking) return;
      asking = true;
      try {
        const data = await get<T>(asked, over.signal);
        failures = 0;
        if (!over.signal.aborted) setState({ path: asked, data, problem: null });
      } catch (error) {
        failures += 1;
        if (over.signal.aborted) return;
        const problem = error instanceof ApiError ? error : new ApiError(0, String(error));
        setState((before) => ({ path: asked, data: before.path === asked ? before.data : null, problem }));
      } finally {
        asking = false;
        if (!over.signal.aborted && !document.hidden) {
          timer = setTimeout(ask, Math.min(everyMs * 2 ** failures, LONGEST_PAUSE_MS));
        }
      }
    };
    const lookAgain = () => {
      if (!document.hidden) void ask();
    };
    askNow.current = () => void ask();
    void ask();
    document.addEventListener("visibilitychange", lookAgain);
    addEventListener("online", lookAgain);
    return () => {
      over.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", lookAgain);
      removeEventListener("online", lookAgain);
    };
  }, [path, everyMs]);
  const refresh = useCallback(() => askNow.current(), []);
  const isCurrent = state.path === path;
  return { data: isCurrent ? state.data : null, problem: isCurrent ? state.problem : null, refresh };
}
