/** Data that keeps itself fresh: asked for again when it is told that it changed, and every few seconds where nothing tells;
 * while somebody looks, at once when they come back, never twice at once. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./api.ts";
import { concernOf, live } from "./live.ts";

const EVERY_MS = 2_000;
/** Also what is told when it changes is asked for now and then: a frame may be lost. */
const WHILE_TOLD_MS = 15_000;
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
    let changedMeanwhile = false;
    const concern = concernOf(asked);
    const pause = () => Math.min((concern && live.isOn ? Math.max(everyMs, WHILE_TOLD_MS) : everyMs) * 2 ** failures, LONGEST_PAUSE_MS);
    const ask = async () => {
      clearTimeout(timer);
      if (asking) {
        changedMeanwhile = true;
        return;
      }
      asking = true;
      changedMeanwhile = false;
      try {
        const data = await get<T>(asked, over.signal);
        failures = 0;
        if (!over.signal.aborted) setState({ path: asked, data, problem: null });
      } catch (error) {
        failures += 1;
        if (over.signal.aborted) return;
        const problem = error instanceof ApiError ? error : new ApiError(0, String(error));
        if (problem.status === 0) live.suspect();
        setState((before) => ({ path: asked, data: before.path === asked ? before.data : null, problem }));
      } finally {
        asking = false;
        if (!over.signal.aborted && !document.hidden) {
          if (changedMeanwhile && !failures) void ask();
          else timer = setTimeout(ask, pause());
        }
      }
    };
    const lookAgain = () => {
      if (!document.hidden) void ask();
    };
    const stopHearing = concern
      ? live.hear((frame) => {
          if (concern(frame)) lookAgain();
        })
      : () => undefined;
    const stopWatching = live.watch(lookAgain);
    askNow.current = () => void ask();
    void ask();
    document.addEventListener("visibilitychange", lookAgain);
    addEventListener("online", lookAgain);
    return () => {
      over.abort();
      clearTimeout(timer);
      stopHearing();
      stopWatching();
      document.removeEventListener("visibilitychange", lookAgain);
      removeEventListener("online", lookAgain);
    };
  }, [path, everyMs]);
  const refresh = useCallback(() => askNow.current(), []);
  const isCurrent = state.path === path;
  return { data: isCurrent ? state.data : null, problem: isCurrent ? state.problem : null, refresh };
}
