/** Calls of the API: the key goes along, and what it answers as a problem becomes an error that a person can read. */

import { forget, key } from "./session.ts";

const PATIENCE_MS = 30_000;

/** The API's answer to a request that it did not carry out (RFC 9457), or no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Problem {
  title?: string;
  detail?: string;
  errors?: { field?: string; message?: string }[];
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", path, undefined, signal);
}

export function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<T> {
  return call<T>(method, path, body);
}

/** A path with those parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size ? `${path}?${query}` : path;
}

async function call<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const headers: Record<string, string> = { Accept: "application/json" };
  const secret = key();
  if (secret) headers.Authorization = `Bearer ${secret}`;
  const request: RequestInit = {
    method,
    headers,
    cache: "no-store",
    signal: signal ? AbortSignal.any([signal, patience]) : patience,
  };
  if (body) {
    headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The API can't be reached. Is the network up?");
  }
  const text = await response.text();
  if (response.ok) return (text ? JSON.parse(text) : undefined) as T;
  if (response.status === 401) forget();
  throw new ApiError(response.status, problemIn(text) ?? `The API answered ${response.status}.`);
}

function problemIn(text: string): string | null {
  try {
    const problem = JSON.parse(text) as Problem;
    const fields = (problem.errors ?? []).map((one) => [one.field, one.message].filter(Boolean).join(": "));
    return [problem.detail ?? problem.title, ...fields].filter(Boolean).join(" · ") || null;
  } catch {
    return null;
  }
}
