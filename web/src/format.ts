/** Values as people read them. */

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const whole = new Intl.NumberFormat();
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

const NOTHING = "–";

export function when(iso: string | null | undefined): string {
  return iso ? moment.format(new Date(iso)) : NOTHING;
}

export function ago(iso: string | null | undefined, now = Date.now()): string {
  if (!iso) return NOTHING;
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return relative.format(seconds, "second");
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : whole.format(value);
}

export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? NOTHING : `${(share * 100).toFixed(share < 0.995 && share > 0 ? 1 : 0)} %`;
}

export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return NOTHING;
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}

/** US dollars, of which the API gives every digit: at least cents, and no digit less than it gave. */
export function dollars(amount: string | number | null | undefined): string {
  if (amount === null || amount === undefined) return NOTHING;
  const text = typeof amount === "number" ? String(amount) : amount;
  const sign = text.startsWith("-") ? "-" : "";
  const [units = "0", decimals = ""] = text.replace("-", "").split(".");
  const shown = decimals.replace(/0+$/, "").padEnd(2, "0");
  return `${sign}$${whole.format(BigInt(units))}.${shown}`;
}
