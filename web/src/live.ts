/** What changes, told over a WebSocket. Where there is none, whoever shows something asks for it every few seconds. */

import { useEffect, useState } from "preact/hooks";
import { send } from "./api.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A socket that lasted so long was no failure, however it ended. */
const SOUND_AFTER_MS = 10_000;
/** For so long it may not be known everywhere that a new socket is there to be told (docs/page.md). */
const UNTOLD_MS = 4_000;

/** What happened since the frame before: which jobs, runs and alerts are no longer as they were. */
export interface Frame {
  jobs?: { id: string }[];
  runs?: string[];
  alerts?: string[];
  /** More changed than is listed. */
  is_partial?: boolean;
}

type Hear = (frame: Frame) => void;

class Live {
  /** Whether changes are told, so that nobody needs to ask. */
  isOn = false;
  private socket: WebSocket | null = null;
  private timer = 0;
  private failures = 0;
  /** Of the signing in that wants to be told; a socket of an earlier one is of no interest any more. */
  private turn = 0;
  private isWanted = false;
  private readonly hearers = new Set<Hear>();
  private readonly watchers = new Set<() => void>();

  constructor() {
    addEventListener("online", () => {
      if (this.isWanted && !this.socket) this.start();
    });
  }

  start(): void {
    this.stop();
    this.isWanted = true;
    void this.open(this.turn);
  }

  stop(): void {
    this.isWanted = false;
    this.turn += 1;
    this.failures = 0;
    clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
    this.become(false);
  }

  /** Something on this network has failed, and so may have the socket, which would not tell. */
  suspect(): void {
    this.socket?.close();
  }

  hear(hearer: Hear): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private async open(turn: number): Promise<void> {
    let ticket: string;
    try {
      ({ ticket } = await send<{ ticket: string }>("POST", "/api/tickets"));
    } catch {
      if (turn === this.turn) this.tryAgain(turn);
      return;
    }
    if (turn !== this.turn) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live?ticket=${encodeURIComponent(ticket)}`);
    this.socket = socket;
    let openedAt = Infinity;
    socket.onopen = () => {
      openedAt = performance.now();
      this.timer = setTimeout(() => this.become(true), UNTOLD_MS);
    };
    socket.onmessage = (message) => {
      if (this.socket !== socket) return;
      this.become(true);
      const frame = frameIn(message.data);
      if (frame) for (const hearer of [...this.hearers]) hearer(frame);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      clearTimeout(this.timer);
      this.become(false);
      if (performance.now() - openedAt > SOUND_AFTER_MS) this.failures = 0;
      this.tryAgain(turn);
    };
  }

  private tryAgain(turn: number): void {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.failures, LONGEST_PAUSE_MS);
    this.failures += 1;
    // Of many pages that were cut off together, not all come back together.
    this.timer = setTimeout(() => void this.open(turn), pause * (0.5 + Math.random() / 2));
  }

  private become(on: boolean): void {
    if (this.isOn === on) return;
    this.isOn = on;
    for (const watcher of [...this.watchers]) watcher();
  }
}

export const live = new Live();

export function useIsLive(): boolean {
  const [isOn, setOn] = useState(live.isOn);
  useEffect(() => {
    const follow = () => setOn(live.isOn);
    follow();
    return live.watch(follow);
  }, []);
  return isOn;
}

type Concern = (frame: Frame, id: string) => boolean;

const anyJob: Concern = (frame) => !!frame.jobs?.length;
const anyRun: Concern = (frame) => !!frame.runs?.length;
const anyAlert: Concern = (frame) => !!frame.alerts?.length;

/** By what a path starts with: which frames tell that what it answers has changed. The overview is none of them: it reads
 * the whole house, which every few seconds is enough of. */
const CONCERNS: [string, Concern][] = [
  ["/api/jobs/", (frame, id) => !!frame.jobs?.some((job) => job.id === id)],
  ["/api/jobs", anyJob],
  ["/api/dead-letters", anyJob],
  ["/api/stats", anyJob],
  ["/api/workers", anyJob],
  ["/api/runs/", (frame, id) => !!frame.runs?.includes(id)],
  ["/api/runs", anyRun],
  ["/api/workflows", anyRun],
  ["/api/alerts", anyAlert],
];

/** Whether frames tell of what a path answers, and this one says that it has changed; null where none ever does. */
export function concernOf(path: string): ((frame: Frame) => boolean) | null {
  const found = CONCERNS.find(([start]) => path.startsWith(start));
  if (!found) return null;
  const [start, concern] = found;
  const id = decodeURIComponent(path.slice(start.length).split(/[/?]/)[0] ?? "");
  return (frame) => !!frame.is_partial || concern(frame, id);
}

function frameIn(data: unknown): Frame | null {
  try {
    const found = JSON.parse(String(data)) as Frame & { type?: string };
    return found.type === "changes" ? found : null;
  } catch {
    return null;
  }
}
