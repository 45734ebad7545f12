// Dates, times and numbers as the reader's language writes them.

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const NUMBER = new Intl.NumberFormat();

const valid = (time: number): boolean => Number.isFinite(time);

/** A date, or a date and time, as short as it is clear. */
export function date(text: unknown): string {
  const time = Date.parse(String(text));
  if (!valid(time)) return String(text);
  return /T/.test(String(text)) ? SHORT.format(time) : DATE.format(time);
}

/** The time of day. */
export const clock = (time: number): string => CLOCK.format(time);

/** A number with the reader's separators. */
export const number = (value: number): string => NUMBER.format(value);

/** `1 change`, `3 changes`. */
export const count = (value: number, one: string, many = `${one}s`): string => `${number(value)} ${value === 1 ? one : many}`;

/** What a stored ISO time is in a `datetime-local` field: local, to the minute. */
export function toLocalInput(iso: unknown): string {
  const time = Date.parse(String(iso ?? ""));
  if (!valid(time)) return "";
  const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** And back. */
export const fromLocalInput = (text: string): string | undefined => (text ? new Date(text).toISOString() : undefined);
