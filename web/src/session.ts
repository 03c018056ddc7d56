/** The API key of this tab. It is kept for the session only, and never stands in a URL. */

const NAME = "backstay-key";

export function key(): string | null {
  return sessionStorage.getItem(NAME);
}

export function keep(value: string): void {
  sessionStorage.setItem(NAME, value);
}

export function forget(): void {
  sessionStorage.removeItem(NAME);
}
