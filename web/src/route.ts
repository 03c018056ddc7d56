/** Where on the page one is: `#/view/id?name=value`. */

import { useEffect, useState } from "preact/hooks";

export interface Place {
  view: string;
  id: string | null;
  query: URLSearchParams;
}

export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view = "", ...rest] = path.split("/");
  const id = rest.join("/");
  return { view: view || "overview", id: id ? decodeURIComponent(id) : null, query: new URLSearchParams(query) };
}

export function linkTo(view: string, id?: string, query: Record<string, string> = {}): string {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}${parameters.size ? `?${parameters}` : ""}`;
}

export function go(link: string): void {
  location.hash = link;
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    follow(); // it may have changed between the first picture and this
    return () => removeEventListener("hashchange", follow);
  }, []);
  return placeOf(hash);
}
